// SPDX-License-Identifier: GPL-2.0
/* The part of Space that reads: summaries when the pool is opened, bitmaps when they are asked for. */
#include <thinback/base/scope.h>

#include "space.h"

namespace thinback {

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

} // namespace thinback
