// SPDX-License-Identifier: GPL-2.0
#include "durable_space.h"

#include "pool.h"

namespace thinback {

void DurableSpace::begin(u8 *images)
{
	images_ = images;
	has_super_ = is_lost_ = false;
	index_ = group_ = 0;
}

Geometry DurableSpace::geometry() const
{
	return { super().blocks.get(), super().journal_blocks.get(), super().header.pool.get() };
}

PhysicalBlock DurableSpace::summary_at() const
{
	return PhysicalBlock(format::first_summary(first_group()) +
			     (super().summaries[index_] & format::slot_bit_8 ? 1 : 0));
}

PhysicalBlock DurableSpace::bitmap_at(u32 i) const
{
	return PhysicalBlock(format::first_bitmap(group_) + 2ull * i +
			     (entry().bitmap[i].get() & format::slot_bit_16 ? 1 : 0));
}

/* ---- superblock ---- */

Status DurableSpace::read_super(u64 at, u64 checkpoint)
{
	TBK_TRY(read(PhysicalBlock(at), format::superblock_magic, images_));
	if (super().header.checkpoint.get() != checkpoint)
		return Err::stale;
	return {};
}

/* The newest that is durable. Seven checkpoints later it is overwritten; the other ring has it as well. */
Status DurableSpace::load_super()
{
	Status read;

	for (u32 tries = 0; tries < most_tries; tries++) {
		const u64 durable = pool_.checkpointer().durable();
		const u64 slot = durable % format::ring_length;

		if (has_super_ && super().header.checkpoint.get() == durable)
			return {};
		read = read_super(format::ring_a + slot, durable);
		if (!read.is_ok())
			read = read_super(format::ring_b + slot, durable);
		has_super_ = read.is_ok();
	}
	if (has_super_)
		return {};
	is_lost_ = true;
	count(read.error());
	tbk_log(TBK_LOG_ERROR,
		"%s: scrub: newest superblock: %s: summaries and bitmaps are not verified",
		pool_.name(), to_text(read.error()));
	return Err::would_block;
}

/* ---- summaries ---- */

Status DurableSpace::read_summary()
{
	const u64 first = first_group();
	const u64 groups = min(geometry().groups() - first, u64{ format::groups_per_summary });
	const format::BlockHeader &header = summary().header;
	const u8 tag = super().summaries[index_] & ~format::slot_bit_8;

	TBK_TRY(read(summary_at(), format::summary_magic, images_ + format::block_size));
	if (format::summary_tag(header.checkpoint.get()) != tag)
		return Err::stale;
	if (header.low.get() != first || header.high.get() != first + groups ||
	    header.count.get() != groups)
		return Err::bad_records;
	return {};
}

Status DurableSpace::load_summary()
{
	Sightings seen;

	for (u32 tries = 0; tries < most_tries; tries++) {
		TBK_TRY(load_super());
		if (summary_of_ == super().header.checkpoint.get())
			return {};
		summary_of_ = 0;
		const bool are_enough = seen.are_enough(super().summaries[index_]);
		const Status read = read_summary();

		if (read.is_ok())
			summary_of_ = super().header.checkpoint.get();
		if (read.is_ok() || are_enough)
			return read;
	}
	return Err::would_block;
}

/* ---- bitmaps ---- */

Status DurableSpace::read_bitmap(u32 i)
{
	const u64 first = group_ * format::group_blocks;
	const u16 tag = entry().bitmap[i].get() & ~format::slot_bit_16;
	const format::BlockHeader &header = bitmap().header;

	TBK_TRY(read(bitmap_at(i), format::bitmap_magic, images_ + 2 * format::block_size));
	if (format::bitmap_tag(header.checkpoint.get()) != tag)
		return Err::stale;
	if (header.low.get() != first + first_bit(i) || header.high.get() != first + end_bit(i))
		return Err::bad_records;
	return {};
}

} // namespace thinback
