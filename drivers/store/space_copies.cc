// SPDX-License-Identifier: GPL-2.0
/* The part of Space that finds room for the second copies of tree nodes. */
#include "space.h"

namespace thinback {
namespace {

/* Of the two copies of a node, where there is a single group. What begins in the middle of a free 64 KiB has it. */
constexpr u64 least_distance = Group::slot_blocks / 2;

u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

} // namespace

/* The next group that has room, after the one that was home. One whose bitmaps cannot be read is passed by. */
void Space::prepare_copy_home(CopyHome &copies, u64 not_in)
{
	const u64 groups = geometry().groups();
	const u32 old = copies.home.group.load_relaxed();
	const u64 first = old == ~0u ? not_in + 1 : old + 1ull;

	for (u64 i = 0; i < groups; i++) {
		const u64 index = (first + i) % groups;

		if (index == not_in || entry(index).summary.free.get_relaxed() == 0 ||
		    !group(index, true).is_ok())
			continue;
		copies.home.group.store_relaxed(static_cast<u32>(index));
		copies.next.store_relaxed(0);
		copies.full.store_relaxed(0);
		return;
	}
}

/* By whoever writes the checkpoint, or takes a snapshot: what two do at once is a matter of place alone. */
void Space::prepare_copies()
{
	for (u32 i = 0; i < 2; i++) {
		CopyHome &copies = copies_[i];

		if (copies.home.group.load_relaxed() == ~0u || copies.full.load_relaxed())
			prepare_copy_home(copies, copies_[1 - i].home.group.load_relaxed());
	}
}

/* From @goal on, or in a 64 KiB that is free. */
Run Space::take_copy_at(CopyHome &copies, u64 goal)
{
	Want want;

	want.goal = goal;
	want.offset = least_distance;
	want.kept = reserved();
	want.reserved = true;
	want.may_wait = false;
	const u64 floor = floor_for(want);

	if (free_blocks() <= floor)
		return {};
	Run run = take_goal(want);

	if (run.count == 0)
		run = take_in(*group(copies.home.group.load_relaxed(), false).value(), want);
	if (run.count == 0)
		copies.full.store_relaxed(1);
	return run.count ? count_taken(run, floor) : run;
}

u64 Space::take_copy_in(CopyHome &copies, u64 of)
{
	const u64 goals[] = { copies.next.load_relaxed(), 0 };

	for (u64 goal : goals) {
		const Run run = take_copy_at(copies, goal);

		if (run.count == 0)
			return 0;
		if (distance(run.start, of) >= least_distance) {
			copies.next.store_relaxed(run.start + 1);
			return run.start;
		}
		give_back(run);
	}
	return 0;
}

u64 Space::take_copy(u64 epoch, u64 of)
{
	constexpr bool places[] = { false, true };

	for (bool is_own_group : places) {
		for (CopyHome &copies : copies_) {
			const u32 home = copies.home.group.load_relaxed();

			if (home == ~0u || (home == group_of(of)) != is_own_group)
				continue;
			const u64 taken = take_copy_in(copies, of);

			if (taken == 0)
				continue;
			use(epoch, { taken, 1 });
			return taken;
		}
	}
	return 0;
}

void Space::free_node(u64 epoch, u64 block, u64 mirror)
{
	const u64 blocks[] = { block, mirror };

	for (u64 at : blocks) {
		if (at == 0)
			continue;
		const Status freed = is_sound(at, 1) ? free(epoch, { at, 1 }, Freed::node)
						     : Status(Err::bad_records);

		if (!freed.is_ok())
			tbk_log(TBK_LOG_WARNING, "block %llu stays in use: %s", at,
				to_text(freed.error()));
	}
}

} // namespace thinback
