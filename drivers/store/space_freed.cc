// SPDX-License-Identifier: GPL-2.0
/* The part of Space that keeps what was freed until it may be given out again. */
#include "space.h"

namespace thinback {

/* Without memory to remember it by, the space comes back when the pool is opened again. */
void Space::remember(Chunks &chunks, Run run)
{
	Chunk *chunk = chunks.last();

	if (!chunk || chunk->count == sizeof(chunk->runs) / sizeof(chunk->runs[0])) {
		auto made = make<Chunk>();

		if (!made.is_ok())
			return;
		chunk = made.release().release();
		chunks.push_back(*chunk);
	}
	chunk->runs[chunk->count++] = run;
	freeing_.fetch_add_relaxed(run.count);
}

Status Space::free(u64 epoch, Run run, Freed what)
{
	Group *there = TBK_TRY(group(group_of(run.start), true));

	{
		MutexGuard guard(there->lock());
		there->set_used(epoch, within_group(run.start), run.count, false);
	}
	MutexGuard guard(lock_);

	remember(what == Freed::data ? data_[epoch & 1] : nodes_[epoch & 1], run);
	return {};
}

/* The blocks may be given out again. */
void Space::release(Chunks &chunks)
{
	while (Chunk *chunk = chunks.pop_front()) {
		for (u32 i = 0; i < chunk->count; i++)
			give_freed(chunk->runs[i]);
		Owned<Chunk>::adopt(chunk).reset();
	}
}

void Space::durable(u64 epoch)
{
	Chunks nodes;

	end_growth(epoch);
	{
		MutexGuard guard(lock_);
		nodes.splice_all(nodes_[epoch & 1]);
		settled_.splice_all(data_[epoch & 1]);
	}
	release(nodes);
}

bool Space::reclaim_begin()
{
	MutexGuard guard(lock_);

	draining_.splice_all(settled_);
	return !draining_.is_empty();
}

void Space::reclaim_end(bool sweep)
{
	Chunks drained;

	{
		MutexGuard guard(lock_);
		(sweep ? unswept_ : drained).splice_all(draining_);
	}
	release(drained);
}

u32 Space::take_freed(Run *runs, u32 most)
{
	MutexGuard guard(lock_);
	u32 count = 0;

	while (Chunk *chunk = unswept_.first()) {
		while (chunk->count > 0 && count < most)
			runs[count++] = chunk->runs[--chunk->count];
		if (chunk->count > 0)
			break;
		unswept_.remove(*chunk);
		Owned<Chunk>::adopt(chunk).reset();
	}
	return count;
}

void Space::give_freed(Run run)
{
	give_back(run);
	freeing_.fetch_sub_relaxed(run.count);
}

void Space::keep_freed(Run run)
{
	freeing_.fetch_sub_relaxed(run.count);
}

void Space::give_all_freed()
{
	Chunks swept;

	{
		MutexGuard guard(lock_);
		swept.splice_all(unswept_);
	}
	release(swept);
}

} // namespace thinback
