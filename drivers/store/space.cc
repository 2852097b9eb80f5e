// SPDX-License-Identifier: GPL-2.0
#include "space.h"

#include <thinback/base/scope.h>

namespace thinback {
namespace {

constexpr u64 group_of(u64 block)
{
	return block / format::group_blocks;
}

constexpr u32 within_group(u64 block)
{
	return static_cast<u32>(block % format::group_blocks);
}

} // namespace

Result<Owned<Space>> Space::open(struct tbk_device &device, const format::Superblock &super)
{
	Owned<Space> space = TBK_TRY(make<Space>(device));

	TBK_TRY(space->prepare(super));
	return space;
}

Result<Owned<Space>> Space::open_damaged(struct tbk_device &device, const format::Superblock &super)
{
	Owned<Space> space = TBK_TRY(make<Space>(device));

	space->is_damaged_ = true;
	TBK_TRY(space->prepare(super));
	return space;
}

Status Space::prepare(const format::Superblock &super)
{
	blocks_.store_relaxed(super.blocks.get());
	journal_blocks_ = super.journal_blocks.get();
	pool_ = super.header.pool.get();
	kept_back_.store_relaxed(geometry().kept_back());
	entries_ = static_cast<Atomic<Entries *> *>(
		tbk_big_alloc(format::max_summaries * sizeof(*entries_)));
	if (!entries_)
		return Err::no_memory;
	TBK_TRY(add_entries(geometry()));
	return read_summaries(super);
}

Space::~Space()
{
	release(data_[0]);
	release(data_[1]);
	release(nodes_[0]);
	release(nodes_[1]);
	release(settled_);
	release(draining_);
	release(unswept_);
	for (u64 i = 0; entries_ && i < format::max_summaries; i++) {
		Entries *entries = entries_[i].load_relaxed();

		for (u64 g = 0; entries && g < format::groups_per_summary; g++) {
			if (Group *group = entries->of[g].group.load_relaxed())
				Group::destroy(group);
		}
		tbk_big_free(entries);
	}
	tbk_big_free(entries_);
}

/* Into @buffer. */
Status Space::read_summary(u64 index, u8 tag, void *buffer)
{
	const auto &block = *static_cast<const format::SummaryBlock *>(buffer);
	const PhysicalBlock at(format::first_summary(index * format::groups_per_summary) +
			       (tag & format::slot_bit_8 ? 1 : 0));

	TBK_TRY(read_blocks(device_, at, buffer, BlockCount(1)));
	TBK_TRY(check_block(buffer, format::summary_magic, at, pool_));
	if (format::summary_tag(block.header.checkpoint.get()) != (tag & ~format::slot_bit_8))
		return Err::stale;
	return {};
}

Status Space::read_summaries(const format::Superblock &super)
{
	void *buffer = tbk_alloc(format::block_size, TBK_MAY_SLEEP);
	const auto free_buffer = ScopeGuard([=] { tbk_free(buffer); });
	const Geometry geometry = this->geometry();
	bool is_read = false;
	u64 free = 0;

	if (!buffer)
		return Err::no_memory;
	const auto &block = *static_cast<const format::SummaryBlock *>(buffer);

	for (u64 g = 0; g < geometry.groups(); g++) {
		const u64 index = g / format::groups_per_summary;
		const u8 tag = super.summaries[index];
		Entry &entry = this->entry(g);

		if (tag && g % format::groups_per_summary == 0) {
			const Status read = read_summary(index, tag, buffer);

			if (!read.is_ok() && !is_damaged_)
				return read;
			is_read = read.is_ok();
		}
		if (tag && is_read)
			entry.summary = block.groups[g % format::groups_per_summary];
		else
			entry.summary.free.set(geometry.most_free_in(g));
		if (entry.summary.free.get() > geometry.most_free_in(g) && !is_damaged_)
			return Err::bad_records;
		free += entry.summary.free.get();
	}
	free_.store_relaxed(free);
	return {};
}

Status Space::replace(u64 index, const u64 *bits, u64 epoch)
{
	Entry &entry = this->entry(index);
	Group *group = TBK_TRY(Group::create(index));

	TBK_ASSERT(!entry.group.load_relaxed());
	{
		MutexGuard guard(group->lock());

		group->replace(epoch, bits);
		free_.fetch_add_relaxed(group->free_live());
	}
	free_.fetch_sub_relaxed(entry.summary.free.get());
	entry.group.store_release(group);
	return {};
}

bool Space::is_sound(u64 start, u64 count) const
{
	const u64 blocks = blocks_.load_acquire();

	if (count == 0 || start >= blocks || count > blocks - start)
		return false;
	if (group_of(start) != group_of(start + count - 1))
		return false;
	if (within_group(start) < format::fixed_blocks(group_of(start)))
		return false;
	const u64 past_journal = format::journal_start + journal_blocks_;

	return group_of(start) != 0 || start >= past_journal || start + count <= format::ring_b;
}

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

Result<Group *> Space::load(u64 index)
{
	Entry &entry = this->entry(index);

	if (Group *there = entry.group.load_relaxed())
		return there;
	void *block = tbk_alloc(format::block_size, TBK_MAY_SLEEP);
	const auto free_block = ScopeGuard([=] { tbk_free(block); });

	if (!block)
		return Err::no_memory;
	Group *group = TBK_TRY(Group::create(index));
	const Status read = load_bitmaps(*group, entry.summary, block);

	if (!read.is_ok()) {
		tbk_log(TBK_LOG_ERROR, "bitmaps of group %llu: %s", index, to_text(read.error()));
		Group::destroy(group);
		return read.error();
	}
	entry.group.store_release(group);
	return group;
}

Status Space::load_bitmaps(Group &group, const format::SummaryEntry &summary, void *block)
{
	const auto &bitmap = *static_cast<const format::BitmapBlock *>(block);
	MutexGuard guard(group.lock());

	group.init_fixed(geometry());
	for (u32 i = 0; i < format::bitmaps_per_group; i++) {
		const u16 tag = summary.bitmap[i].get();

		if (!tag)
			continue;
		const PhysicalBlock at(format::first_bitmap(group.index()) + 2ull * i +
				       (tag & format::slot_bit_16 ? 1 : 0));

		TBK_TRY(read_blocks(device_, at, block, BlockCount(1)));
		TBK_TRY(check_block(block, format::bitmap_magic, at, pool_));
		if (format::bitmap_tag(bitmap.header.checkpoint.get()) !=
		    (tag & ~format::slot_bit_16))
			return Err::stale;
		group.load_bitmap(i, bitmap.bits);
	}
	group.loaded();
	if (group.free_live() != summary.free.get())
		return Err::bad_records;
	return {};
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
