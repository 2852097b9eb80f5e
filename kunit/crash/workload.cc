// SPDX-License-Identifier: GPL-2.0
#include "workload.h"

#include "../../drivers/hosted/hosted.h"

namespace thinback::crash {

Workload::Workload(CrashDevice &device, Ledger &ledger, u64 seed, const WorkloadOptions &options)
	: device_(device),
	  ledger_(ledger),
	  random_(seed),
	  change_random_(seed ^ 0xc0ffee),
	  options_(options)
{
	tbk_wait_init(&requests_wait_);
	tbk_wait_init(&changes_wait_);
	for (Slot &slot : slots_) {
		slot.workload = this;
		slot.buffer.resize(most_sectors * sector_size);
	}
	for (const auto &disk : ledger.disks)
		lives_.push_back({ disk.get(), nullptr, false, never });
}

Workload::~Workload()
{
	close_pool();
}

void Workload::fail(const std::string &what, s64 number)
{
	if (why_.empty())
		why_ = "the workload, at event " + std::to_string(now()) + ": " + what + " " +
		       std::to_string(number);
}

void Workload::wait_until(struct tbk_wait &wait, const Wish &holds)
{
	tbk_wait_until(
		&wait, [](void *wish) -> int { return (*static_cast<const Wish *>(wish))(); },
		const_cast<Wish *>(&holds));
}

bool Workload::open_handle(Live &live)
{
	const Disk &disk = *live.disk;

	if (disk.is_snapshot() || disk.is_filler)
		return true;
	if (options_.detects_zeroes) {
		struct tbk_volume_limits limits {};

		limits.set = TBK_LIMIT_DETECT_ZEROES;
		limits.detect_zeroes = 1;
		(void)tbk_volume_limit(pool_, disk.now().volume.c_str(), &limits, nullptr);
	}
	const int error = tbk_volume_open(pool_, disk.now().volume.c_str(), nullptr, 0,
					  &live.handle, nullptr);

	if (error)
		fail("opening " + disk.name(), error);
	return !error;
}

bool Workload::open_pool()
{
	struct tbk_why why {};
	const int error = tbk_pool_open(&device_, 0, &pool_, &why);

	if (error) {
		fail(why.text, error);
		return false;
	}
	for (Live &live : lives_) {
		if (!live.is_leaving && !open_handle(live))
			return false;
	}
	return true;
}

void Workload::close_pool()
{
	std::vector<u32> completed;

	if (!pool_)
		return;
	for (Live &live : lives_) {
		if (live.handle)
			tbk_volume_close(live.handle);
		live.handle = nullptr;
		const std::vector<u32> more = ledger_.completed(*live.disk);
		completed.insert(completed.end(), more.begin(), more.end());
	}
	const int error = tbk_pool_close(pool_, nullptr);

	pool_ = nullptr;
	if (error)
		fail("closing the pool", error);
	else
		ledger_.make_durable(completed, now());
}

void Workload::sync()
{
	std::vector<u32> completed;

	for (const Live &live : lives_) {
		const std::vector<u32> more = ledger_.completed(*live.disk);

		completed.insert(completed.end(), more.begin(), more.end());
	}
	const int error = tbk_pool_sync(pool_);

	if (error)
		fail("sync", error);
	else
		ledger_.make_durable(completed, now());
}

/* Twice, with the pool closed in between. */
bool Workload::run()
{
	for (u32 half = 0; half < 2 && why_.empty() && open_pool(); half++) {
		is_changing_ = true;
		hosted_spawn("changes", [this] { do_changes(); });
		do_requests();
		wait_until(requests_wait_, [this] { return !is_changing_; });
		close_pool();
	}
	return why_.empty();
}

} // namespace thinback::crash
