// SPDX-License-Identifier: GPL-2.0
#include "hosted_core.h"

#include <algorithm>
#include <cerrno>

#include "../../drivers/hosted/hosted.h"
#include "device_check.h"
#include "failure.h"
#include "hosted_run.h"

namespace thinback::tool {

namespace {

Severity severity_of(tbk_finding_class kind)
{
	switch (kind) {
	case TBK_FINDING_LEAK:
		return Severity::leak;
	case TBK_FINDING_REPAIRABLE:
		return Severity::fixable;
	case TBK_FINDING_DAMAGED:
		break;
	}
	return Severity::fatal;
}

/* The core's callbacks are C; what the listener throws must not pass through it. */
struct Listening {
	const CheckListener &listener;
	std::exception_ptr thrown;
	std::vector<std::string> mended;

	template <class Call> void guard(Call call)
	{
		try {
			if (!thrown)
				call();
		} catch (...) {
			thrown = std::current_exception();
		}
	}
};

void found(struct tbk_check *check, tbk_finding_class kind, const char *text)
{
	auto *listening = static_cast<Listening *>(check->context);

	listening->guard([&] { listening->listener.found({ severity_of(kind), text }); });
}

void progress(struct tbk_check *check, tbk_u64 done, tbk_u64 total)
{
	auto *listening = static_cast<Listening *>(check->context);

	listening->guard([&] { listening->listener.progress(done, total); });
}

void mended(struct tbk_check *check, const char *text)
{
	auto *listening = static_cast<Listening *>(check->context);

	listening->guard([&] { listening->mended.emplace_back(text); });
}

CheckSummary summary_of(const struct tbk_check &check)
{
	return { check.pool,
		 check.volumes,
		 check.snapshots,
		 check.nodes,
		 check.extents,
		 check.data_blocks * TBK_BLOCK,
		 check.leaked_blocks * TBK_BLOCK };
}

} // namespace

HostedCore::HostedCore()
{
	/* What went wrong comes back as a reason; the log would say it twice. */
	hosted_log_to([](tbk_level, const char *) {});
}

std::optional<PoolOnDisk> HostedCore::probe(const OpenDevice &open)
{
	FdDevice device(open, device_bytes(open));
	struct tbk_pool_info info {};
	PoolOnDisk pool;
	int error = 0;

	run_core([&] { error = tbk_probe(&device, &info); });
	if (error == -EMEDIUMTYPE)
		return {};
	require(error, open, {});
	pool.name = info.name;
	std::copy_n(info.uuid, pool.uuid.size(), pool.uuid.begin());
	pool.size = info.size;
	return pool;
}

void HostedCore::format(const OpenDevice &open, const PoolOnDisk &pool)
{
	FdDevice device(open, device_bytes(open));
	tbk_format_options options{};
	tbk_why why{};
	int error = 0;

	options.name = pool.name.c_str();
	std::copy(pool.uuid.begin(), pool.uuid.end(), options.uuid);
	run_core([&] { error = tbk_pool_format(&device, &options, &why); });
	require(error, open, why);
}

CheckSummary HostedCore::check(const OpenDevice &open, const CheckListener &listener)
{
	FdDevice device(open, device_bytes(open));
	Listening listening{ listener, {}, {} };
	struct tbk_check check {};
	tbk_why why{};
	int error = 0;

	check.found = found;
	check.progress = progress;
	check.context = &listening;
	run_core([&] { error = tbk_pool_check(&device, &check, &why); });
	if (listening.thrown)
		std::rethrow_exception(listening.thrown);
	require(error, open, why);
	return summary_of(check);
}

std::vector<std::string> HostedCore::repair(const OpenDevice &open, const RepairOptions &options,
					    const CheckListener &listener)
{
	FdDevice device(open, device_bytes(open));
	Listening listening{ listener, {}, {} };
	struct tbk_check check {};
	tbk_why why{};
	int error = 0;

	check.found = found;
	check.progress = progress;
	check.mended = mended;
	check.context = &listening;
	check.repair = options.drop ? TBK_REPAIR_DROP : 0;
	check.name = options.name.empty() ? nullptr : options.name.c_str();
	run_core([&] { error = tbk_pool_repair(&device, &check, &why); });
	if (listening.thrown)
		std::rethrow_exception(listening.thrown);
	require(error, open, why);
	return listening.mended;
}

} // namespace thinback::tool
