// SPDX-License-Identifier: GPL-2.0
/* Structural changes of what there is: names, content, sizes, limits. */
#include "workload.h"

namespace thinback::crash {

bool Workload::is_named(const std::string &volume) const
{
	for (const Live &live : lives_) {
		if (!live.is_leaving && live.disk->now().volume == volume)
			return true;
	}
	return false;
}

/* A snapshot; or a volume, whose snapshots bear its name. Names that were given up come back. */
void Workload::rename()
{
	Live *live = pick(change_random_.one_in(3));

	if (!live)
		return;
	const Shape before = live->disk->now();
	const bool is_snapshot = live->disk->is_snapshot();
	std::string to = "n" + std::to_string(change_random_.below(3));

	if (is_snapshot || is_named(to))
		to = ledger_.new_name(is_snapshot ? "s" : "v");
	leave(*live);
	ledger_.begin_act(now());
	for (const Live &other : lives_) {
		const Shape &shape = other.disk->now();

		if (is_snapshot && &other == live)
			ledger_.reshape(*other.disk).snapshot = to;
		else if (!is_snapshot && shape.exists && shape.volume == before.volume)
			ledger_.reshape(*other.disk).volume = to;
	}
	ended(tbk_rename(pool_, before.volume.c_str(), before.snapshot.c_str(), to.c_str(),
			 nullptr),
	      "renaming " + before.name());
	come_back(*live);
}

/* From now on it is known what the snapshot holds, where a write had failed in part. */
void Workload::learn_kept(Disk &kept)
{
	const u32 change = ledger_.part_of_act();
	const Moment moment = { now(), static_cast<u32>(ledger_.acts.size() - 1) };
	const int error = reader_.read_all(pool_, kept.now(), [&](u64 sector, const u8 *bytes) {
		Tag tag{};

		if (!read_tag(bytes, tag) || !ledger_.allows(kept, sector, tag.serial, moment))
			fail(kept.name() + " differs from what it was, sector",
			     static_cast<s64>(sector));
		kept.history[sector].push_back({ tag.serial, change });
		return true;
	});

	if (error)
		fail("reading " + kept.name(), error);
}

void Workload::rollback()
{
	Live *to = pick(true);
	Live *live = nullptr;

	for (Live &other : lives_) {
		if (to && !other.is_leaving && !other.disk->is_snapshot() &&
		    other.disk->now().volume == to->disk->now().volume)
			live = &other;
	}
	if (!live)
		return;
	const bool is_kept = count(true) < most_snapshots && change_random_.one_in(2);
	const std::string keep = is_kept ? ledger_.new_name("s") : "";
	Disk &old = *live->disk;
	const Shape before = old.now();

	leave(*live);
	const std::vector<u32> completed = ledger_.completed(old);

	ledger_.begin_act(now());
	Disk &made = add_like(*to->disk, to->disk->sectors(), before.volume);
	made.shapes.back().quota = before.quota;
	made.shapes.back().reserve = before.reserve;
	Shape &after = ledger_.reshape(old);

	after.exists = is_kept;
	after.snapshot = keep;
	after.quota = after.reserve = 0;
	const int error = tbk_rollback(pool_, before.volume.c_str(),
				       to->disk->now().snapshot.c_str(), keep.c_str(), nullptr);

	Live *now_there = make(made, error);
	if (!now_there) {
		come_back(*live);
		return;
	}
	open_handle(*now_there);
	if (!is_kept)
		return;
	live->is_leaving = false;
	ledger_.make_durable(completed, now());
	learn_kept(old);
}

/* ---- sizes ---- */

int Workload::resize_to(const Disk &disk, u64 sectors, u32 flags)
{
	return tbk_volume_resize(pool_, disk.now().volume.c_str(), sectors * sector_size, flags,
				 nullptr);
}

bool Workload::is_past_end(const Live &live) const
{
	for (const Slot &slot : slots_) {
		if (slot.live == &live && slot.sector + slot.count > live.disk->sectors())
			return true;
	}
	return false;
}

/* Requests go on: those past the new end may fail, and what they wrote there is gone. */
void Workload::shrink(Live &live, u64 sectors)
{
	Disk &disk = *live.disk;
	const u64 before = disk.sectors();

	for (Slot &slot : slots_) {
		if (slot.live == &live && slot.sector + slot.count > sectors)
			slot.may_fail = true;
	}
	live.shrinks_to = sectors;
	ledger_.begin_act(now());
	const int error = resize_to(disk, sectors, TBK_RESIZE_SHRINK);

	live.shrinks_to = never;
	ledger_.reshape(disk).sectors = sectors;
	if (!ended(error, "shrinking " + disk.name()))
		return;
	const u32 change = ledger_.part_of_act();

	for (u64 at = sectors; at < before; at++)
		disk.history[at].push_back({ 0, change });
}

/* What was cut off before reads as zeros. */
void Workload::grow(Live &live, u64 sectors)
{
	Disk &disk = *live.disk;

	wait_until(changes_wait_, [&] {
		reap();
		return !is_past_end(live);
	});
	ledger_.begin_act(now());
	const int error = resize_to(disk, sectors, 0);

	ledger_.reshape(disk).sectors = sectors;
	if (disk.history.size() < sectors)
		disk.history.resize(sectors, { { 0, 0 } });
	ended(error, "growing " + disk.name());
}

void Workload::resize()
{
	Live *live = pick(false);
	const u64 sectors = (1 + change_random_.below(options_.most_blocks)) * sectors_per_block;

	if (!live)
		return;
	if (sectors < live->disk->sectors())
		shrink(*live, sectors);
	else
		grow(*live, sectors);
}

/* ---- limits ---- */

void Workload::limit()
{
	constexpr u64 unit = 64 * 1024;
	Live *live = pick(false);
	struct tbk_volume_limits limits {};

	if (!live)
		return;
	limits.set = TBK_LIMIT_ALL;
	limits.quota = change_random_.one_in(2) ? 0 : unit * (4 + change_random_.below(8));
	limits.reserve = change_random_.one_in(3) ? 0 : unit * (1 + change_random_.below(4));
	limits.on_full = change_random_.one_in(2) ? TBK_FULL_ERROR : TBK_FULL_WAIT;
	limits.full_wait = 1;
	ledger_.begin_act(now());
	Shape &shape = ledger_.reshape(*live->disk);

	shape.quota = limits.quota;
	shape.reserve = limits.reserve;
	ended(tbk_volume_limit(pool_, shape.volume.c_str(), &limits, nullptr),
	      "limits of " + shape.name());
}

} // namespace thinback::crash
