/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Journal: a ring of blocks from format::journal_start on, which a flush writes
 * so that it need not wait for a checkpoint. Block number s lies at
 * journal_start + s mod journal_blocks; numbers grow and are never used twice.
 *
 *   OFFSET   SIZE   FIELD
 *        0     64   BlockHeader   magic "TBKJ", count of records; low: the block's number;
 *                                 high: that of the first block of the same write
 *       64  24 * n  JournalRecord, in the order in which they were made; at most 168
 *
 * JournalRecord, 24 bytes:
 *
 *        0      8   place    bits 63..24 first virtual block; 23..0 length, not zero
 *        8      8   target   bits 47..0 first physical block, 0 when unmapped; 55..48 JournalKind
 *       16      4   volume   id
 *       20      4   epoch    low half of the number of the checkpoint that will hold it
 *
 * Opening a pool applies, from block Superblock::journal_seq on, what is of later
 * epochs than the superblock, up to the first block that is not there. A write of
 * several blocks may be cut anywhere; that block s is not there although a write
 * that began after s ended is, is damage.
 *
 * No physical block is in two map records that apply: what is freed is not given
 * out again before the checkpoint that freed it is durable.
 */
#pragma once

#include <thinback/format/node.h>

namespace thinback::format {

inline constexpr u32 journal_magic = 0x4a4b4254;

/* Blocks of one write; a power cut leaves no block further than this behind a gap. */
inline constexpr u32 journal_write_max = 64;

enum class JournalKind : u8 { map = 1, unmap = 2 };

struct JournalRecord {
	le64 place;
	le64 target;
	le32 volume;
	le32 epoch;
};
static_assert(sizeof(JournalRecord) == 24 && __is_trivial(JournalRecord));

inline constexpr size_t journal_capacity = payload_size / sizeof(JournalRecord);
static_assert(journal_capacity == 168);

struct JournalBlock {
	BlockHeader header;
	JournalRecord records[journal_capacity];
};
static_assert(sizeof(JournalBlock) == block_size && __is_trivial(JournalBlock));

} // namespace thinback::format
