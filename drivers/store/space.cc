// SPDX-License-Identifier: GPL-2.0
#include "space.h"

namespace thinback {

Result<Group *> Space::group(u64 index, bool may_wait)
{
	TBK_ASSERT(index < geometry().groups());
	Group *there = entry(index).group.load_acquire();

	if (there)
		return there;
	if (!may_wait)
		return Err::would_block;
	MutexGuard guard(lock_);

	return load(index);
}

Run Space::take_in(Group &group, const Want &want)
{
	MutexGuard guard(group.lock());
	Run run = group.take_aligned(want.offset, want.count, want.apart);

	if (run.count == 0)
		run = group.take_any(want.count);
	run.start += group.index() * format::group_blocks;
	return run;
}

/* The very block wanted, if it is free and its bitmaps are there. */
Run Space::take_goal(const Want &want)
{
	if (want.goal == 0 || want.goal >= blocks_.load_acquire())
		return {};
	auto found = group(group_of(want.goal), false);

	if (!found.is_ok())
		return {};
	MutexGuard guard(found.value()->lock());

	return { want.goal, found.value()->take_at(within_group(want.goal), want.count) };
}

/* The group at home is full: make another one home, those least used first. */
Result<Run> Space::take_elsewhere(Home &home, const Want &want)
{
	const u64 groups = geometry().groups();
	Err why_not = Err::no_space;
	u32 start = 0;

	{
		MutexGuard guard(lock_);
		start = next_home_;
		next_home_ = static_cast<u32>((next_home_ + 1) % groups);
	}
	for (u64 i = 0; i < groups; i++) {
		const u64 index = (start + i) % groups;
		const Entry &entry = this->entry(index);
		const Group *there = entry.group.load_relaxed();

		/* Full on disk and not here to tell otherwise. */
		if (!there && entry.summary.free.get_relaxed() == 0)
			continue;
		auto candidate = group(index, want.may_wait);

		/* Damage in one group is no reason not to use the others. */
		if (!candidate.is_ok()) {
			why_not = candidate.error();
			if (why_not == Err::would_block)
				break;
			continue;
		}
		const Run run = take_in(*candidate.value(), want);

		if (run.count == 0)
			continue;
		home.group.store_relaxed(static_cast<u32>(index));
		return run;
	}
	return why_not;
}

/*
 * Nodes that come and go by the side of data may be all over what is kept back.
 * Who was promised blocks gets them all the same.
 */
u64 Space::floor_for(const Want &want) const
{
	const u64 kept_back = kept_back_.load_relaxed();

	if (want.metadata)
		return kept_back / 8 * want.spare;
	return want.kept + (want.reserved ? kept_back / 2 : kept_back);
}

Result<Run> Space::take(Home &home, const Want &want)
{
	const u64 floor = floor_for(want);
	const u64 free = free_.load_relaxed();
	Want bounded = want;

	if (free <= floor)
		return Err::no_space;
	if (bounded.count > free - floor)
		bounded.count = static_cast<u32>(free - floor);
	Run run = take_goal(bounded);

	if (run.count == 0 && home.group.load_relaxed() != ~0u) {
		Group *at_home = TBK_TRY(group(home.group.load_relaxed(), want.may_wait));

		run = take_in(*at_home, bounded);
	}
	if (run.count == 0)
		run = TBK_TRY(take_elsewhere(home, bounded));
	run = count_taken(run, floor);
	if (run.count == 0)
		return Err::no_space;
	return run;
}

/* Of those who take the last blocks at once, whoever goes below the floor gives back what is below it. */
Run Space::count_taken(Run run, u64 floor)
{
	const u64 before = free_.fetch_sub_relaxed(run.count);

	if (before >= floor + run.count)
		return run;
	const u32 within = before > floor ? static_cast<u32>(before - floor) : 0;

	give_back({ run.start + within, run.count - within });
	return { run.start, within };
}

Status Space::take_at(Run run)
{
	if (!is_sound(run.start, run.count))
		return Err::bad_records;
	Group *there = TBK_TRY(group(group_of(run.start), true));
	MutexGuard guard(there->lock());
	const u32 taken = there->take_at(within_group(run.start), run.count);

	if (taken < run.count) {
		there->give_back(within_group(run.start), taken);
		return Err::bad_records;
	}
	free_.fetch_sub_relaxed(run.count);
	return {};
}

/* Taken, so its group is there. */
void Space::give_back(Run run)
{
	auto found = group(group_of(run.start), false);
	MutexGuard guard(found.value()->lock());

	found.value()->give_back(within_group(run.start), run.count);
	free_.fetch_add_relaxed(run.count);
}

void Space::use(u64 epoch, Run run)
{
	auto found = group(group_of(run.start), false);
	MutexGuard guard(found.value()->lock());

	found.value()->set_used(epoch, within_group(run.start), run.count, true);
}

} // namespace thinback
