/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tree node: BlockHeader (magic "TBKN"), then records, ascending by key.
 * Nodes are never overwritten where they lie: a change goes to a new place.
 *
 * Roots, of any level, branches, and all nodes of the catalog have a second copy, in
 * another group where there is one: written by the same checkpoint, freed with the node,
 * the same in every byte, self included, so that one checksum tells of both. Where no space
 * was to be had for it, and in pools made before there were any, a pointer says 0. Other
 * leaves have none.
 *
 * Branch (level > 0), 32 bytes, at most 126; the first one's key is the node's low:
 *
 *   OFFSET   SIZE   FIELD
 *        0      8   key       first key of the child's range
 *        8      8   child     bits 47..0 block; 63..48 low half of its checksum
 *       16      8   mirror    bits 47..0 second copy, 0 none; 63..48 high half of the checksum
 *       24      8   birth     bits 47..0 the child's birth; 63..48 zero
 *
 * Extent (leaf of a volume's tree), 24 bytes, at most 168; never overlapping:
 *
 *        0      8   place     bits 63..24 first virtual block; 23..0 length, not zero
 *        8      8   target    bits 47..0 first physical block; 55..48 ExtentState; rest zero
 *       16      8   birth     bits 47..0 generation it was written in; rest zero
 *
 * Births never grow towards the leaves: extent <= leaf <= branch <= root.
 *
 * CatalogRecord (leaf of the catalog's tree), 336 bytes, at most 12: one a volume or snapshot.
 *
 *        0      8   id              never used twice
 *        8     64   name            of the volume, or of the snapshot without its volume's
 *       72     64   volume          snapshots: name of the volume it was taken of
 *      136     16   uuid
 *      152      4   parent          id of the snapshot it descends from, 0 none
 *      156      4   flags           catalog_*
 *      160     40   root            RootPointer of its tree
 *      200      8   size            blocks
 *      208      8   since           the parent's generation, 0 without one
 *      216      8   generation      snapshots: when it was taken; volumes: 0
 *      224      8   own             data blocks born after since
 *      232      8   mapped          data blocks in all
 *      240      8   created         seconds since 1970
 *      248      8   applied         last journal record in the tree; unused, zero
 *      256      8   merged          first virtual block to which the parent, hidden, is not yet merged
 *                                 into this tree; 0: no merge has begun
 *      264      8   merge_gone      while it is: blocks of the parent's `own` that are free already
 *      272      8   quota           blocks that `own` may come to, 0 no bound; 0 for snapshots, as what follows
 *      280      8   reserve         blocks that are kept for it, what it owns included
 *      288      4   on_full         OnFull: what a write does that finds no block
 *      292      4   full_wait       OnFull::wait: seconds, 1 to 3600; 0: the default
 *      296     40   zero
 */
#pragma once

#include <thinback/format/superblock.h>

namespace thinback::format {

inline constexpr u32 node_magic = 0x4e4b4254;
inline constexpr u64 low_48 = (1ull << 48) - 1;
inline constexpr u64 end_of_keys = 1ull << 40; /* volumes have fewer blocks */
inline constexpr u32 max_extent = (1u << 24) - 1;
inline constexpr u32 max_height = 8;

enum class TreeKind : u8 { extents = 1, catalog = 2 };

/* zero and lost have no target. What is lost reads as an error until it is written or discarded. */
enum class ExtentState : u8 { data = 1, zero = 2, lost = 3 };

struct Branch {
	le64 key;
	le64 child;
	le64 mirror;
	le64 birth;
};
static_assert(sizeof(Branch) == 32 && __is_trivial(Branch));
inline constexpr size_t branch_capacity = payload_size / sizeof(Branch);
static_assert(branch_capacity == 126);

struct Extent {
	le64 place;
	le64 target;
	le64 birth;
};
static_assert(sizeof(Extent) == 24 && __is_trivial(Extent));
inline constexpr size_t extent_capacity = payload_size / sizeof(Extent);
static_assert(extent_capacity == 168);

inline constexpr u32 catalog_snapshot = 1;
inline constexpr u32 catalog_hidden = 2;	/* removed, has children still */
inline constexpr u32 catalog_removing = 4;	/* being freed */
inline constexpr u32 catalog_detect_zeroes = 8; /* volumes: zeros that are written take no space */
inline constexpr u32 catalog_large_sectors =
	16; /* a disk of 4096-byte sectors; as its clones are */

/* What a write does that finds no block: fails, waits, or waits without end. */
enum class OnFull : u32 { error = 0, wait = 1, pause = 2 };
inline constexpr u32 default_full_wait = 60;
inline constexpr u32 longest_full_wait = 3600;

struct CatalogRecord {
	le64 id;
	u8 name[name_size];
	u8 volume[name_size];
	u8 uuid[16];
	le32 parent;
	le32 flags;
	RootPointer root;
	le64 size;
	le64 since;
	le64 generation;
	le64 own;
	le64 mapped;
	le64 created;
	le64 applied;
	le64 merged;
	le64 merge_gone;
	le64 quota;
	le64 reserve;
	le32 on_full;
	le32 full_wait;
	u8 zero[40];
};
static_assert(sizeof(CatalogRecord) == 336 && __is_trivial(CatalogRecord));
static_assert(offsetof(CatalogRecord, root) == 160 && offsetof(CatalogRecord, applied) == 248);
static_assert(offsetof(CatalogRecord, merged) == 256 && offsetof(CatalogRecord, quota) == 272);
static_assert(offsetof(CatalogRecord, on_full) == 288 && offsetof(CatalogRecord, zero) == 296);
inline constexpr size_t catalog_capacity = payload_size / sizeof(CatalogRecord);
static_assert(catalog_capacity == 12);

} // namespace thinback::format
