// SPDX-License-Identifier: GPL-2.0
/* HostedCore's dumps: the core tells in C, and is told in C. */
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>

#include <thinback/dump_entry.h>

#include "../../drivers/hosted/scratch_device.h"
#include "device_check.h"
#include "dump_parts.h"
#include "failure.h"
#include "hosted_core.h"
#include "hosted_run.h"

namespace thinback::tool {

namespace {

/* What @to throws must not pass through the core: it ends the dump. */
struct Telling {
	DumpParts &to;
	const std::function<void(std::uint64_t, std::uint64_t)> &progress;
	std::exception_ptr thrown;
};

template <class Call> void guard(struct tbk_dump *dump, Call call)
{
	auto *telling = static_cast<Telling *>(dump->context);

	try {
		if (!telling->thrown)
			call(*telling);
	} catch (...) {
		telling->thrown = std::current_exception();
		dump->error = -ECANCELED;
	}
}

struct tbk_dump dump_to(Telling &telling)
{
	struct tbk_dump dump {};

	dump.context = &telling;
	dump.pool = [](struct tbk_dump *in, const struct tbk_dump_pool *pool) {
		guard(in, [&](Telling &told) { told.to.pool(*pool); });
	};
	dump.object = [](struct tbk_dump *in, const struct tbk_dump_object *object) {
		guard(in, [&](Telling &told) { told.to.object(*object); });
	};
	dump.tree = [](struct tbk_dump *in, tbk_u32 id) {
		guard(in, [&](Telling &told) { told.to.tree(id); });
	};
	dump.extent = [](struct tbk_dump *in, const struct tbk_dump_extent *extent) {
		guard(in, [&](Telling &told) { told.to.extent(*extent); });
	};
	dump.lost = [](struct tbk_dump *in, const char *text) {
		guard(in, [&](Telling &told) { told.to.lost(text); });
	};
	dump.progress = [](struct tbk_dump *in, tbk_u64 done, tbk_u64 total) {
		guard(in, [&](Telling &told) { told.progress(done, total); });
	};
	return dump;
}

/* Where a pool is put together; as large as its metadata. */
std::string scratch_folder()
{
	const char *folder = std::getenv("TMPDIR");

	return folder && folder[0] ? folder : "/var/tmp";
}

/* The core's side of a restore. What the dump tells goes there as it comes. */
class Restoring final : public DumpParts {
public:
	explicit Restoring(bool without_lost) : flags_(without_lost ? TBK_RESTORE_LOST : 0) {}
	~Restoring() override
	{
		if (restore_)
			tbk_restore_free(restore_);
	}
	Restoring(const Restoring &) = delete;
	Restoring &operator=(const Restoring &) = delete;

	void pool(const tbk_dump_pool &pool) override;
	void object(const tbk_dump_object &object) override
	{
		if (!is_again_)
			need(tbk_restore_object(restore_, &object, &why_));
	}
	void tree(tbk_u32 id) override { need(tbk_restore_tree(restore_, id, &why_)); }
	void extent(const tbk_dump_extent &extent) override
	{
		need(tbk_restore_extent(restore_, &extent, &why_));
	}
	void lost(const std::string &) override;

	void again();
	void check(const RestoreSource &source);
	void write(const OpenDevice &open);

private:
	void need(int error) const;

	const tbk_u32 flags_;
	bool is_again_ = false;
	std::unique_ptr<ScratchDevice> scratch_;
	struct tbk_scratch raw_ {};
	struct tbk_restore *restore_ = nullptr;
	tbk_why why_{};
};

/* EINVAL is said of a dump that makes no sense, not of the words of a command. */
void Restoring::need(int error) const
{
	if (error == 0)
		return;
	Failure failure = failure_of(-error, {}, why_.text, why_.hint);

	if (error == -EINVAL)
		failure.exit = Exit::damaged;
	throw failure;
}

void Restoring::pool(const tbk_dump_pool &pool)
{
	const std::string folder = scratch_folder();
	int error = 0;

	if (is_again_)
		return;
	if (restore_ || pool.blocks > ~tbk_u64{ 0 } / TBK_BLOCK)
		throw Failure(Exit::damaged, {}, "no pool is of that size");
	scratch_ = ScratchDevice::create(folder, pool.blocks * TBK_BLOCK, error);
	if (!scratch_)
		throw Failure(exit_of_errno(-error), {},
			      "no file can be made in " + folder + ": " + strerror(-error),
			      "to use another folder: TMPDIR=FOLDER");
	raw_.device = scratch_.get();
	raw_.context = scratch_.get();
	raw_.next = [](struct tbk_scratch *in, tbk_u64 from) {
		return tbk_u64{ static_cast<ScratchDevice *>(in->context)->next(from) };
	};
	need(tbk_restore_begin(&raw_, &pool, flags_, &restore_, &why_));
}

void Restoring::lost(const std::string &text)
{
	if (!(flags_ & TBK_RESTORE_LOST))
		throw Failure(Exit::damaged, {},
			      "could not be read when the dump was made: " + text,
			      "to go without: --force");
}

void Restoring::again()
{
	need(tbk_restore_again(restore_, &why_));
	is_again_ = true;
}

void Restoring::check(const RestoreSource &source)
{
	struct tbk_check check {};

	check.context = const_cast<RestoreSource *>(&source);
	check.progress = [](struct tbk_check *in, tbk_u64 done, tbk_u64 total) {
		static_cast<const RestoreSource *>(in->context)->progress(done, total);
	};
	need(tbk_restore_check(restore_, &check, &why_));
}

void Restoring::write(const OpenDevice &open)
{
	FdDevice device(open, device_bytes(open));

	require(tbk_restore_write(restore_, &device, &why_), open, why_);
}

} // namespace

void HostedCore::dump(const OpenDevice &open, DumpParts &to,
		      const std::function<void(std::uint64_t, std::uint64_t)> &progress)
{
	FdDevice device(open, device_bytes(open));
	Telling telling{ to, progress, {} };
	struct tbk_dump dump = dump_to(telling);
	tbk_why why{};
	int error = 0;

	run_core([&] { error = tbk_pool_dump(&device, &dump, &why); });
	if (telling.thrown)
		std::rethrow_exception(telling.thrown);
	require(error, open, why);
}

void HostedCore::restore(const OpenDevice &open, const RestoreSource &source)
{
	run_core([&] {
		Restoring restoring(source.without_lost);

		source.tell(restoring);
		restoring.again();
		source.tell(restoring);
		restoring.check(source);
		restoring.write(open);
	});
}

} // namespace thinback::tool
