/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every metadata block starts with, and where the fixed ones lie.
 *
 *   OFFSET   SIZE   FIELD
 *        0      4   checksum    CRC-32C of bytes 4..4095, not inverted, seed ~0
 *        4      4   magic       which kind of block
 *        8      8   self        physical block it was written to; in the second copy of a tree
 *                              node that of the first: both are the same, byte for byte
 *       16      8   pool        first 8 bytes of the pool's uuid
 *       24      8   checkpoint  number of the checkpoint that wrote it
 *       32      8   birth       tree nodes: generation; else zero
 *       40      4   owner       tree nodes: id of the tree that wrote it, a hint; else zero
 *       44      2   count       records in use
 *       46      1   level       tree nodes: 0 leaf; else zero
 *       47      1   kind        tree nodes: TreeKind; else zero
 *       48      8   low         tree nodes: first key of its range; bitmaps: first block; summaries: first group
 *       56      8   high        first key, block or group after it
 *       64   4032   records
 *
 * All integers are little-endian. All sizes and addresses count blocks of 4096
 * bytes from the start of the pool's device.
 *
 *   BLOCK                 CONTENT
 *   0..15                 left alone (boot sectors, foreign signatures)
 *   16..23                superblocks, copy A: a ring of 8
 *   24..41                bitmaps of group 0, see format/space.h
 *   42..43                summary of groups 0..167
 *   8192..8199            superblocks, copy B: the same ring again
 *   8200..                journal
 *   g * 262144 + 0..17    bitmaps of group g > 0
 *   g * 262144 + 18..19   summary of groups g..g+167, where g is a multiple of 168
 *
 * All else is tree nodes and data.
 */
#pragma once

#include <thinback/base/endian.h>

namespace thinback::format {

inline constexpr size_t block_size = 4096;
inline constexpr u32 version = 1;

struct BlockHeader {
	le32 checksum;
	le32 magic;
	le64 self;
	le64 pool;
	le64 checkpoint;
	le64 birth;
	le32 owner;
	le16 count;
	u8 level;
	u8 kind;
	le64 low;
	le64 high;
};
static_assert(sizeof(BlockHeader) == 64 && __is_trivial(BlockHeader));
static_assert(offsetof(BlockHeader, birth) == 32 && offsetof(BlockHeader, low) == 48);

inline constexpr size_t payload_size = block_size - sizeof(BlockHeader);

inline constexpr u64 ring_length = 8;
inline constexpr u64 ring_a = 16;
inline constexpr u64 ring_b = 8192;
inline constexpr u64 journal_start = ring_b + ring_length;

inline constexpr u64 smallest_pool = 16384; /* 64 MiB */

} // namespace thinback::format
