// SPDX-License-Identifier: GPL-2.0
/* The part of a BlockLedger that reads summaries and bitmaps. */
#include "check_space.h"
#include "sync_io.h"

namespace thinback {

/* Into block_. */
Status BlockLedger::read_block(PhysicalBlock at, u32 magic)
{
	if (at.raw() >= geometry_.blocks)
		return Err::bad_records;
	TBK_TRY(read_blocks(device_, at, block_, BlockCount(1)));
	return check_block(block_, magic, at, geometry_.pool);
}

Status BlockLedger::check_summary(u64 index, u8 tag)
{
	const u64 first = index * format::groups_per_summary;
	const u64 count = min<u64>(geometry_.groups() - first, format::groups_per_summary);
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(block_);

	TBK_TRY(read_block(
		PhysicalBlock(format::first_summary(first) + (tag & format::slot_bit_8 ? 1 : 0)),
		format::summary_magic));
	if (format::summary_tag(header.checkpoint.get()) != (tag & ~format::slot_bit_8))
		return Err::stale;
	if (header.low.get() != first || header.high.get() != first + count ||
	    header.count.get() != count)
		return Err::bad_records;
	return {};
}

void BlockLedger::read_summary(const format::Superblock &super, u64 index)
{
	const u64 first = index * format::groups_per_summary;
	const u64 end = min<u64>(first + format::groups_per_summary, geometry_.groups());
	const u8 tag = super.summaries[index];
	const Status read = tag ? check_summary(index, tag) : Status();
	const auto &block = *reinterpret_cast<const format::SummaryBlock *>(block_);

	if (!read.is_ok())
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "summary of groups %llu to %llu in block %llu: %s", first, end - 1,
			    format::first_summary(first) + (tag & format::slot_bit_8 ? 1 : 0),
			    to_text(read.error()));
	for (u64 g = first; g < end; g++) {
		Entry &entry = entries_[g];

		entry.unknown = !read.is_ok();
		if (tag && read.is_ok())
			entry.summary = block.groups[g - first];
		else
			entry.summary.free.set(geometry_.most_free_in(g));
	}
}

/* Into block_. */
Status BlockLedger::read_bitmap(u64 group, u32 i)
{
	const u16 tag = entries_[group].summary.bitmap[i].get();
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(block_);
	const u64 low = group * format::group_blocks + i * format::bitmap_bits;
	const u64 high = min(low + format::bitmap_bits, (group + 1) * format::group_blocks);

	TBK_TRY(read_block(PhysicalBlock(format::first_bitmap(group) + 2ull * i +
					 (tag & format::slot_bit_16 ? 1 : 0)),
			   format::bitmap_magic));
	if (format::bitmap_tag(header.checkpoint.get()) != (tag & ~format::slot_bit_16))
		return Err::stale;
	if (header.low.get() != low || header.high.get() != high)
		return Err::bad_records;
	return {};
}

/* One bitmap's part of the group's bits, as it is on disk. */
void BlockLedger::fill_part(u64 group, u32 i)
{
	Entry &entry = entries_[group];
	const u16 tag = entry.summary.bitmap[i].get();
	const size_t from = i * format::payload_size;

	if (!tag)
		return;
	const Status read = read_bitmap(group, i);

	report_.step(1);
	if (read.is_ok()) {
		__builtin_memcpy(reinterpret_cast<u8 *>(entry.bits) + from,
				 reinterpret_cast<format::BitmapBlock *>(block_)->bits,
				 min(format::payload_size, bitmap_bytes - from));
		return;
	}
	entry.unknown = true;
	TBK_NEW_FINDING(
		report_, TBK_FINDING_REPAIRABLE, "bitmap of group %llu in block %llu: %s", group,
		format::first_bitmap(group) + 2ull * i + (tag & format::slot_bit_16 ? 1 : 0),
		to_text(read.error()));
}

/* All of them; set where that cannot be known. */
void BlockLedger::fill(u64 group)
{
	Entry &entry = entries_[group];

	Group::set_fixed(geometry_, group, entry.bits);
	for (u32 i = 0; i < format::bitmaps_per_group; i++)
		fill_part(group, i);
	if (entry.unknown)
		__builtin_memset(entry.bits, 0xff, bitmap_bytes);
}

/* Asks the bitmap again, since what was struck off looks the same here. */
bool BlockLedger::is_free_on_disk(u64 block)
{
	const u64 group = group_of(block);
	const u64 bit = within_group(block) % format::bitmap_bits;
	const u32 i = static_cast<u32>(within_group(block) / format::bitmap_bits);
	const Entry &entry = entries_[group];

	if (entry.unknown)
		return false;
	if (!entry.summary.bitmap[i].get())
		return true;
	if (!read_bitmap(group, i).is_ok())
		return false;
	const u8 byte = reinterpret_cast<format::BitmapBlock *>(block_)->bits[bit / 8];

	return ((byte >> (bit % 8)) & 1) == 0;
}

} // namespace thinback
