// SPDX-License-Identifier: GPL-2.0
/* The part of Space that a checkpoint runs: bitmaps and summaries to their other slots. */
#include <thinback/base/scope.h>

#include "space.h"

namespace thinback {
namespace {

void fill_header(format::BlockHeader &header, u32 magic, u64 self, u64 epoch)
{
	header.magic.set(magic);
	header.self.set(self);
	header.checkpoint.set(epoch);
}

} // namespace

/* Writes are waited for at the end: @buffers has a block for each bitmap. */
Status Space::write_group(u64 index, u64 epoch, u32 changed, WriteBatch &batch, u8 *buffers)
{
	Entry &entry = entries_[index];
	const u64 first = index * format::group_blocks;

	for (u32 i = 0; i < format::bitmaps_per_group; i++) {
		if (!(changed & (1u << i)))
			continue;
		auto &block =
			*reinterpret_cast<format::BitmapBlock *>(buffers + i * format::block_size);
		const u16 old = entry.summary.bitmap[i].get();
		const u16 slot = old & format::slot_bit_16 ? 0 : format::slot_bit_16;
		const u64 at = format::first_bitmap(index) + 2ull * i + (slot ? 1 : 0);

		__builtin_memset(&block.header, 0, sizeof(block.header));
		fill_header(block.header, format::bitmap_magic, at, epoch);
		block.header.pool.set(geometry_.pool);
		block.header.low.set(first + i * format::bitmap_bits);
		block.header.high.set(
			first + min((i + 1) * format::bitmap_bits, format::group_blocks));
		{
			MutexGuard guard(entry.group->lock());
			entry.group->copy_bitmap(epoch, i, block.bits);
		}
		seal_block(&block);
		batch.add(PhysicalBlock(at), &block);
		entry.summary.bitmap[i].set(
			static_cast<u16>(slot | format::bitmap_tag(epoch)));
	}
	MutexGuard guard(entry.group->lock());

	entry.summary.free.set(entry.group->free_in(epoch));
	return {};
}

Status Space::write_summary(u64 index, u64 epoch, format::Superblock &super, WriteBatch &batch,
			    u8 *buffer)
{
	auto &block = *reinterpret_cast<format::SummaryBlock *>(buffer);
	const u64 first = index * format::groups_per_summary;
	const u64 left = geometry_.groups() - first;
	const u64 count = left < format::groups_per_summary ? left : format::groups_per_summary;
	const u8 slot = super.summaries[index] & format::slot_bit_8 ? 0 : format::slot_bit_8;
	const u64 at = format::first_summary(first) + (slot ? 1 : 0);

	__builtin_memset(buffer, 0, format::block_size);
	fill_header(block.header, format::summary_magic, at, epoch);
	block.header.pool.set(geometry_.pool);
	block.header.count.set(static_cast<u16>(count));
	block.header.low.set(first);
	block.header.high.set(first + count);
	for (u64 i = 0; i < count; i++)
		block.groups[i] = entries_[first + i].summary;
	seal_block(&block);
	batch.add(PhysicalBlock(at), &block);
	super.summaries[index] = static_cast<u8>(slot | format::summary_tag(epoch));
	return batch.wait();
}

Status Space::write(u64 epoch, format::Superblock &super)
{
	u8 *buffers = static_cast<u8 *>(
		tbk_big_alloc((format::bitmaps_per_group + 1) * format::block_size));
	const auto free_buffers = ScopeGuard([=] { tbk_big_free(buffers); });
	Owned<WriteBatch> batch = TBK_TRY(make<WriteBatch>(device_));
	u64 free = super.free.get();

	if (!buffers)
		return Err::no_memory;
	for (u64 s = 0; s < geometry_.summaries(); s++) {
		bool changed_here = false;

		for (u64 g = s * format::groups_per_summary;
		     g < geometry_.groups() && g < (s + 1) * format::groups_per_summary; g++) {
			Group *group = read_once(entries_[g].group);

			if (!group)
				continue;
			group->lock().lock();
			const u32 changed = group->changed_in(epoch);
			group->lock().unlock();

			if (!changed)
				continue;
			free -= entries_[g].summary.free.get();
			TBK_TRY(write_group(g, epoch, changed, *batch, buffers));
			TBK_TRY(batch->wait());
			free += entries_[g].summary.free.get();
			changed_here = true;
		}
		if (changed_here)
			TBK_TRY(write_summary(s, epoch, super, *batch,
					      buffers + format::bitmaps_per_group *
								format::block_size));
	}
	super.free.set(free);
	return {};
}

} // namespace thinback
