/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Superblock: the root of everything, written last by a checkpoint to slot
 * (checkpoint mod 8) of both rings. The newest valid one is the pool.
 *
 *   OFFSET   SIZE   FIELD
 *        0     64   BlockHeader   magic "TBKS", checkpoint: its own number
 *       64      4   version       1
 *       68      4   flags         bit 0: closed cleanly
 *       72      8   compatible    features an older driver may ignore
 *       80      8   read_only     features an older driver may only read
 *       88      8   incompatible  features an older driver must refuse
 *       96     16   uuid
 *      112     64   name          terminated by zero
 *      176      8   blocks        size of the pool
 *      184      8   journal_at    first block of the journal
 *      192      8   journal_blocks
 *      200      8   zero
 *      208      8   journal_seq   number of the oldest journal block wanted, see format/journal.h
 *      216      8   generation    moves on with every snapshot; births are of this clock
 *      224      8   free          blocks in no bitmap
 *      232      8   created       seconds since 1970
 *      240      4   next_id       of a volume or snapshot
 *      244      4   groups
 *      248     40   catalog       RootPointer of the catalog's tree
 *      288      2   low           of free space, in thousandths of the pool: less is low; 0: the default
 *      290      2   critical      ... less is critical; 0: the default
 *      292      4   policy        policy_*: what is done with freed blocks before they are given out again
 *      296      4   discard_rate  of that, MiB a second; 0: the default, ~0: no bound
 *      300   1748   zero          room for a claim, older roots
 *     2048   2048   summaries     for each summary block: bit 7 which of its two slots is valid, bits
 *                                 6..0 summary_tag() of the checkpoint that wrote it; 0: never written
 */
#pragma once

#include <thinback/format/block.h>

namespace thinback::format {

inline constexpr u32 superblock_magic = 0x534b4254;
inline constexpr u32 superblock_clean = 1;
inline constexpr size_t max_summaries = 2048;

inline constexpr u32 policy_discard = 1;     /* discarded on the device */
inline constexpr u32 policy_scrub_freed = 2; /* overwritten with zeros */
inline constexpr u32 default_discard_rate = 256;
inline constexpr u32 no_discard_rate = ~0u;
inline constexpr size_t name_size = 64;

/* Where a tree starts; all zero for an empty one. */
struct RootPointer {
	le64 block;
	le64 mirror; /* second copy, 0 none: see format/node.h */
	le64 birth;
	le32 checksum;
	u8 level;
	u8 zero[11];
};
static_assert(sizeof(RootPointer) == 40 && __is_trivial(RootPointer));

struct Superblock {
	BlockHeader header;
	le32 version;
	le32 flags;
	le64 compatible;
	le64 read_only;
	le64 incompatible;
	u8 uuid[16];
	u8 name[name_size];
	le64 blocks;
	le64 journal_at;
	le64 journal_blocks;
	le64 unused;
	le64 journal_seq;
	le64 generation;
	le64 free;
	le64 created;
	le32 next_id;
	le32 groups;
	RootPointer catalog;
	le16 low;
	le16 critical;
	le32 policy;
	le32 discard_rate;
	u8 zero[1748];
	u8 summaries[max_summaries];
};
static_assert(sizeof(Superblock) == block_size && __is_trivial(Superblock));
static_assert(offsetof(Superblock, uuid) == 96 && offsetof(Superblock, generation) == 216);
static_assert(offsetof(Superblock, low) == 288 && offsetof(Superblock, policy) == 292);
static_assert(offsetof(Superblock, discard_rate) == 296 && offsetof(Superblock, zero) == 300);
static_assert(offsetof(Superblock, catalog) == 248 && offsetof(Superblock, summaries) == 2048);

} // namespace thinback::format
