/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Space: groups of 1 GiB. The bits of a group, one a block, set when the block
 * is in use, fill nine bitmap blocks; each has two slots, of which the group's
 * summary entry names the valid one. A checkpoint writes what changed to the
 * other slot, so nothing valid is overwritten and no address ever changes.
 *
 * Bitmap block i of group g, slot s: block first_bitmap(g) + 2 * i + s.
 *
 *   OFFSET   SIZE   FIELD
 *        0     64   BlockHeader   magic "TBKB", low..high: the blocks it covers
 *       64   4032   bits          bit b of byte n: block low + 8 * n + b; past high: set
 *
 * Summary block of groups g..g+167 (g a multiple of 168), slot s: first_summary(g) + s.
 *
 *   OFFSET   SIZE   FIELD
 *        0     64   BlockHeader   magic "TBKM", low..high: the groups it covers, count of them
 *       64  24 * n  SummaryEntry
 *
 * What was never written (a new pool's bitmaps are not) has only the fixed blocks
 * in use: those listed in format/block.h, and all past the end of the pool.
 */
#pragma once

#include <thinback/format/block.h>

namespace thinback::format {

inline constexpr u32 bitmap_magic = 0x424b4254;
inline constexpr u32 summary_magic = 0x4d4b4254;

inline constexpr u64 group_blocks = 262144;
inline constexpr u64 bitmap_bits = payload_size * 8;
inline constexpr size_t bitmaps_per_group = (group_blocks + bitmap_bits - 1) / bitmap_bits;
static_assert(bitmaps_per_group == 9);

inline constexpr u16 slot_bit_16 = 0x8000;
inline constexpr u8 slot_bit_8 = 0x80;

struct SummaryEntry {
	le32 free; /* blocks not in use */
	le16 bitmap
		[bitmaps_per_group]; /* bit 15: valid slot; 14..0: bitmap_tag(), 0 never written */
	u8 zero[2];
};
static_assert(sizeof(SummaryEntry) == 24 && __is_trivial(SummaryEntry));

inline constexpr size_t groups_per_summary = payload_size / sizeof(SummaryEntry);
static_assert(groups_per_summary == 168);

struct BitmapBlock {
	BlockHeader header;
	u8 bits[payload_size];
};
static_assert(sizeof(BitmapBlock) == block_size);

struct SummaryBlock {
	BlockHeader header;
	SummaryEntry groups[groups_per_summary];
};
static_assert(sizeof(SummaryBlock) == block_size);

/* Tells a slot of the checkpoint meant from what a lost write left there. Never zero. */
constexpr u16 bitmap_tag(u64 checkpoint)
{
	return static_cast<u16>(checkpoint % 0x7fff + 1);
}

constexpr u8 summary_tag(u64 checkpoint)
{
	return static_cast<u8>(checkpoint % 0x7f + 1);
}

constexpr u64 first_bitmap(u64 group)
{
	return group == 0 ? ring_a + ring_length : group * group_blocks;
}

constexpr u64 first_summary(u64 group)
{
	return first_bitmap(group) + 2 * bitmaps_per_group;
}

/* Blocks at the start of a group that are never given away; of group 0, before the second ring. */
constexpr u64 fixed_blocks(u64 group)
{
	return first_summary(group) - group * group_blocks +
	       (group % groups_per_summary == 0 ? 2 : 0);
}
static_assert(first_bitmap(0) == 24 && first_summary(0) == 42 && fixed_blocks(0) == 44);
static_assert(fixed_blocks(1) == 18 && fixed_blocks(168) == 20);

} // namespace thinback::format
