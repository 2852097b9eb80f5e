// SPDX-License-Identifier: GPL-2.0
/* Structural changes, while requests go on. */
#include "../../drivers/hosted/hosted.h"
#include "workload.h"

namespace thinback::crash {

void Workload::do_changes()
{
	if (count(false) == 0)
		create();
	for (u32 i = 0; i < options_.operations / 20 && why_.empty(); i++) {
		pause();
		change();
	}
	is_changing_ = false;
	tbk_wake(&requests_wait_);
}

void Workload::pause()
{
	if (change_random_.one_in(4)) {
		hosted_sleep_ms(static_cast<unsigned int>(change_random_.below(900)));
		return;
	}
	for (u64 left = change_random_.below(100); left > 0; left--)
		hosted_yield();
}

void Workload::change()
{
	const u64 dice = change_random_.below(36);

	if (dice < 4 || count(false) == 0)
		create();
	else if (dice < 10)
		snapshot();
	else if (dice < 14)
		clone();
	else if (dice < 19)
		remove();
	else if (dice < 23)
		rollback();
	else if (dice < 26)
		rename();
	else if (dice < 31)
		resize();
	else if (dice < 34)
		limit();
	else if (dice < 35)
		sync();
	else if (const int error = tbk_pool_settle(pool_))
		fail("settling", error);
}

u32 Workload::count(bool snapshots) const
{
	u32 sum = 0;

	for (const Live &live : lives_)
		sum += !live.is_leaving && !live.disk->is_filler &&
		       live.disk->is_snapshot() == snapshots;
	return sum;
}

/* Any one, if there is any. */
Workload::Live *Workload::pick(bool wants_snapshot)
{
	const u32 all = count(wants_snapshot);
	u64 skip = all ? change_random_.below(all) : 0;

	for (Live &live : lives_) {
		if (!live.is_leaving && !live.disk->is_filler &&
		    live.disk->is_snapshot() == wants_snapshot && skip-- == 0)
			return &live;
	}
	return nullptr;
}

/* After the call. False when it was refused, or failed. */
bool Workload::ended(int error, const std::string &what)
{
	if (error == -TBK_ENOSPC) {
		refused_++;
		ledger_.take_back_act(now());
		return false;
	}
	ledger_.end_act(now());
	if (error)
		fail(what, error);
	return !error;
}

void Workload::learn_id(Disk &disk)
{
	struct tbk_object_info info {};
	const Shape &shape = disk.now();

	if (const int error = tbk_pool_find(pool_, shape.volume.c_str(), shape.snapshot.c_str(),
					    &info, nullptr))
		fail("finding " + disk.name(), error);
	disk.pool_id = info.id;
}

Workload::Live *Workload::make(Disk &disk, int error)
{
	if (!ended(error, "making " + disk.name()))
		return nullptr;
	learn_id(disk);
	lives_.push_back({ &disk, nullptr, false, never });
	return &lives_.back();
}

void Workload::create()
{
	if (count(false) >= most_volumes)
		return;
	const u64 blocks = 1 + change_random_.below(options_.most_blocks);

	ledger_.begin_act(now());
	Disk &disk = ledger_.add(ledger_.new_name("v"), "", blocks * sectors_per_block);
	Live *live = make(disk, tbk_volume_create(pool_, disk.name().c_str(),
						  disk.sectors() * sector_size, 0, nullptr));

	if (live)
		open_handle(*live);
}

/*
 * Writes in flight are in it or not; the rest is, for good. The volume is not to
 * fall back behind its snapshot.
 */
void Workload::snapshot()
{
	Live *origin = pick(false);

	if (!origin || count(true) >= most_snapshots)
		return;
	const Disk &of = *origin->disk;
	std::vector<size_t> least(of.sectors());

	reap();
	const std::vector<u32> completed = ledger_.completed(of);

	for (u64 at = 0; at < of.sectors(); at++) {
		least[at] = of.history[at].size() - 1;
		while (ledger_.changes[of.history[at][least[at]].change].completed == never)
			least[at]--;
	}
	ledger_.begin_act(now());
	Disk &disk = ledger_.add(of.now().volume, ledger_.new_name("s"), of.sectors());
	const Live *live = make(disk, tbk_snapshot_create(pool_, disk.now().volume.c_str(),
							  disk.now().snapshot.c_str(), nullptr));

	if (!live)
		return;
	ledger_.make_durable(completed, now());
	learn_snapshot(disk, of, least);
}

void Workload::learn_snapshot(Disk &taken, const Disk &origin, const std::vector<size_t> &least)
{
	const int error = reader_.read_all(pool_, taken.now(), [&](u64 sector, const u8 *bytes) {
		const std::vector<Value> &history = origin.history[sector];
		Tag tag{};
		bool is_known = false;

		if (!read_tag(bytes, tag))
			fail("rubbish in " + taken.name() + ", sector", static_cast<s64>(sector));
		for (size_t i = least[sector]; i < history.size(); i++)
			is_known |= history[i].serial == tag.serial;
		if (!is_known)
			fail(taken.name() + " differs from its volume, sector",
			     static_cast<s64>(sector));
		taken.history[sector] = { { tag.serial, 0 } };
		return true;
	});

	if (error)
		fail("reading " + taken.name(), error);
}

/* A volume that starts as what a snapshot holds; of that it is known. */
Disk &Workload::add_like(const Disk &origin, u64 sectors, const std::string &volume)
{
	Disk &disk = ledger_.add(volume, "", sectors);

	for (u64 at = 0; at < origin.sectors(); at++)
		disk.history[at] = { { origin.history[at].back().serial, 0 } };
	return disk;
}

void Workload::clone()
{
	Live *origin = pick(true);
	const u64 more = change_random_.one_in(2) ? 0 : sectors_per_block;

	if (!origin || count(false) >= most_volumes)
		return;
	const Disk &of = *origin->disk;

	ledger_.begin_act(now());
	Disk &disk = add_like(of, of.sectors() + more, ledger_.new_name("v"));
	Live *live = make(disk, tbk_clone_create(pool_, of.now().volume.c_str(),
						 of.now().snapshot.c_str(), disk.name().c_str(),
						 disk.sectors() * sector_size, nullptr));

	if (live)
		open_handle(*live);
}

/* No more requests, please. */
void Workload::leave(Live &live)
{
	live.is_leaving = true;
	wait_until(changes_wait_, [&] {
		reap();
		return !is_busy(&live);
	});
	if (live.handle)
		tbk_volume_close(live.handle);
	live.handle = nullptr;
}

void Workload::come_back(Live &live)
{
	live.is_leaving = !why_.empty() || !open_handle(live);
}

void Workload::remove()
{
	Live *live = pick(change_random_.one_in(2));
	std::vector<Live *> going;

	if (!live)
		return;
	const Shape target = live->disk->now();

	for (Live &other : lives_) {
		const bool is_its_snapshot =
			target.snapshot.empty() && other.disk->now().volume == target.volume;

		if (&other == live || (is_its_snapshot && !other.is_leaving))
			going.push_back(&other);
	}
	for (Live *one : going)
		leave(*one);
	ledger_.begin_act(now());
	for (const Live *one : going)
		ledger_.reshape(*one->disk).exists = false;
	const int error = tbk_remove(pool_, target.volume.c_str(), target.snapshot.c_str(),
				     TBK_REMOVE_RECURSIVE, nullptr);

	ledger_.end_act(now());
	if (error)
		fail("removing " + target.name(), error);
}

} // namespace thinback::crash
