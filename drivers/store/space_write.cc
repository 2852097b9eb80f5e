// SPDX-License-Identifier: GPL-2.0
/* The part of Space that a checkpoint runs: bitmaps and summaries to their other slots. */
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

void Space::write_group(u64 index, u64 epoch, u32 changed, WriteBatch &batch)
{
	Entry &entry = this->entry(index);
	Group &group = *entry.group.load_acquire();
	const u64 first = index * format::group_blocks;

	for (u32 i = 0; i < format::bitmaps_per_group; i++) {
		if (!(changed & (1u << i)))
			continue;
		auto &block = *static_cast<format::BitmapBlock *>(batch.buffer());
		const u16 old = entry.summary.bitmap[i].get();
		const u16 slot = old & format::slot_bit_16 ? 0 : format::slot_bit_16;
		const u64 at = format::first_bitmap(index) + 2ull * i + (slot ? 1 : 0);

		fill_header(block.header, format::bitmap_magic, at, epoch);
		block.header.pool.set(pool_);
		block.header.low.set(first + i * format::bitmap_bits);
		block.header.high.set(first +
				      min((i + 1) * format::bitmap_bits, format::group_blocks));
		{
			MutexGuard guard(group.lock());
			group.copy_bitmap(epoch, i, block.bits);
		}
		seal_block(&block);
		batch.add(PhysicalBlock(at), &block);
		entry.summary.bitmap[i].set(static_cast<u16>(slot | format::bitmap_tag(epoch)));
	}
	MutexGuard guard(group.lock());

	entry.summary.free.set_relaxed(group.free_in(epoch));
}

void Space::write_summary(u64 index, u64 epoch, format::Superblock &super, WriteBatch &batch)
{
	auto &block = *static_cast<format::SummaryBlock *>(batch.buffer());
	const u64 first = index * format::groups_per_summary;
	const u64 left = geometry_in(epoch).groups() - first;
	const u64 count = left < format::groups_per_summary ? left : format::groups_per_summary;
	const u8 slot = super.summaries[index] & format::slot_bit_8 ? 0 : format::slot_bit_8;
	const u64 at = format::first_summary(first) + (slot ? 1 : 0);

	fill_header(block.header, format::summary_magic, at, epoch);
	block.header.pool.set(pool_);
	block.header.count.set(static_cast<u16>(count));
	block.header.low.set(first);
	block.header.high.set(first + count);
	for (u64 i = 0; i < count; i++)
		block.groups[i] = entry(first + i).summary;
	seal_block(&block);
	batch.add(PhysicalBlock(at), &block);
	super.summaries[index] = static_cast<u8>(slot | format::summary_tag(epoch));
}

bool Space::write_changed(u64 index, u64 epoch, WriteBatch &batch)
{
	Group *group = entry(index).group.load_acquire();

	if (!group)
		return false;
	group->lock().lock();
	const u32 changed = group->changed_in(epoch);
	group->lock().unlock();

	if (changed)
		write_group(index, epoch, changed, batch);
	return changed != 0;
}

void Space::write(u64 epoch, format::Superblock &super, WriteBatch &batch)
{
	const u64 groups = geometry_in(epoch).groups();
	const u64 groups_before = geometry().groups();
	bool changed_here = false;
	u64 free = 0;

	for (u64 g = 0; g < groups; g++) {
		const u64 index = g / format::groups_per_summary;
		const bool is_last_here =
			(g + 1) % format::groups_per_summary == 0 || g + 1 == groups;

		changed_here |= write_changed(g, epoch, batch);
		/* A summary that was written says of how many groups it is. */
		changed_here |= g >= groups_before && super.summaries[index] != 0;
		free += entry(g).summary.free.get();
		if (changed_here && is_last_here)
			write_summary(index, epoch, super, batch);
		changed_here &= !is_last_here;
	}
	super.free.set(free);
	super.blocks.set(geometry_in(epoch).blocks);
	super.groups.set(static_cast<u32>(groups));
}

} // namespace thinback
