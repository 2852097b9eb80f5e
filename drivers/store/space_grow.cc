// SPDX-License-Identifier: GPL-2.0
/* The part of Space that makes it larger while it is in use. */
#include "space.h"

namespace thinback {
namespace {

/* What the last group of a pool of @from blocks gains when the pool has @to: perhaps nothing. */
Run gained(u64 from, u64 to)
{
	const u64 group = (from - 1) / format::group_blocks;
	const u64 first = group * format::group_blocks;
	const u64 start = max(from, first + format::fixed_blocks(group));
	const u64 end = min(to, first + format::group_blocks);

	return { start, end > start ? static_cast<u32>(end - start) : 0 };
}

} // namespace

/* Those that are there already stay. */
Status Space::add_entries(const Geometry &geometry)
{
	for (u64 i = 0; i < geometry.summaries(); i++) {
		if (entries_[i].load_relaxed())
			continue;
		auto *made = static_cast<Entries *>(tbk_big_alloc(sizeof(Entries)));

		if (!made)
			return Err::no_memory;
		entries_[i].store_release(made);
	}
	return {};
}

Status Space::make_room(u64 blocks)
{
	MutexGuard guard(lock_);

	TBK_TRY(add_entries({ blocks, journal_blocks_, pool_ }));
	/* Its bits past the old end are set, on disk or because they never were there. */
	TBK_TRY(load(geometry().groups() - 1));
	return {};
}

void Space::grow(u64 epoch, u64 from, u64 blocks)
{
	MutexGuard guard(lock_);
	const Geometry before = geometry();
	const Geometry after = { blocks, journal_blocks_, pool_ };
	const Run more = gained(from, blocks);

	if (growth_.epoch || before.blocks != from)
		return;
	for (u64 g = before.groups(); g < after.groups(); g++)
		entry(g).summary.free.set(after.most_free_in(g));
	if (more.count > 0) {
		Group &last = *entry(before.groups() - 1).group.load_relaxed();
		MutexGuard group_guard(last.lock());

		last.set_used(epoch, static_cast<u32>(more.start % format::group_blocks),
			      more.count, false);
	}
	growth_ = { epoch, blocks };
}

/* As the checkpoint of epoch @epoch tells of it. */
Geometry Space::geometry_in(u64 epoch)
{
	MutexGuard guard(lock_);
	Geometry geometry = this->geometry();

	if (growth_.epoch && epoch >= growth_.epoch)
		geometry.blocks = growth_.blocks;
	return geometry;
}

/* New groups count as free just before they can be found, so that nothing is taken that does not count. */
Run Space::publish_growth(const Geometry &before, const Geometry &after)
{
	for (u64 g = before.groups(); g < after.groups(); g++)
		free_.fetch_add_relaxed(entry(g).summary.free.get());
	blocks_.store_release(after.blocks);
	return gained(before.blocks, after.blocks);
}

/* Epoch @epoch is durable: if the pool grew in it, what is new can be had from now on. */
void Space::end_growth(u64 epoch)
{
	Run more;

	{
		MutexGuard guard(lock_);

		if (growth_.epoch == 0 || growth_.epoch != epoch)
			return;
		more = publish_growth(geometry(), { growth_.blocks, journal_blocks_, pool_ });
		growth_ = {};
	}
	if (more.count > 0)
		give_back(more);
	kept_back_.store_relaxed(geometry().kept_back());
}

} // namespace thinback
