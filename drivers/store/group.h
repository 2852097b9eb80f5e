/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/block.h>
#include <thinback/base/lock.h>
#include <thinback/base/owned.h>
#include <thinback/format/space.h>
#include <thinback/format/superblock.h>

#include "bits.h"

namespace thinback {

/* Blocks in a row on the device. */
struct Run {
	u64 start = 0;
	u32 count = 0;
};

/* What lies where. Of an open pool only its size ever changes: it grows. */
struct Geometry {
	u64 blocks = 0;
	u64 journal_blocks = 0;
	u64 pool = 0; /* as in BlockHeader */

	u64 groups() const { return (blocks + format::group_blocks - 1) / format::group_blocks; }
	u64 summaries() const
	{
		return (groups() + format::groups_per_summary - 1) / format::groups_per_summary;
	}
	/* Blocks of a group that are not fixed: none in a last one too small for its own bitmaps. */
	u32 most_free_in(u64 group) const
	{
		const u64 left = blocks - group * format::group_blocks;
		const u64 size = left < format::group_blocks ? left : format::group_blocks;
		const u64 fixed = format::fixed_blocks(group) +
				  (group == 0 ? format::ring_length + journal_blocks : 0);

		return size > fixed ? static_cast<u32>(size - fixed) : 0;
	}
	/* What deletes, discards and checkpoints live on when all else is given away. */
	u64 kept_back() const
	{
		constexpr u64 least = 256;
		constexpr u64 most = 2u << 20;
		const u64 slice = blocks / 128;

		return slice < least ? least : slice > most ? most : slice;
	}
};

/*
 * One group in memory: three bitmaps.
 *
 * `live` is what the allocator goes by: blocks given out, in use, or freed and
 * not yet safe to give out again. The other two are what checkpoints write:
 * blocks in use, as of an epoch. While checkpoint E is being written, changes
 * of epoch E + 1 go to the other bitmap, which starts as a copy.
 *
 * All members need lock(). Owned by Space.
 */
class Group {
public:
	static constexpr u32 words = format::group_blocks / bits_per_word;
	static constexpr u32 slot_blocks = 16; /* 64 KiB: a neighbourhood that belongs together */

	static Result<Group *> create(u64 index);
	static void destroy(Group *group);

	Mutex &lock() TBK_RETURNS_LOCK(lock_) { return lock_; }
	u64 index() const { return index_; }

	/* Sets, in a group's worth of words, those that are never given away. */
	static void set_fixed(const Geometry &geometry, u64 index, u64 *bits);

	/* Bits of a group never written, or of bitmap block @i of it as read from disk. */
	void init_fixed(const Geometry &geometry) TBK_REQUIRES(lock_);
	void load_bitmap(u32 i, const u8 *bits) TBK_REQUIRES(lock_);
	/* After the last load_bitmap(): takes what is in use as what is live. */
	void loaded() TBK_REQUIRES(lock_);

	/* Instead of both: @bits, a group's worth, as a change of epoch @epoch. */
	void replace(u64 epoch, const u64 *bits) TBK_REQUIRES(lock_);

	/* Positions are relative to the group. All take from the live bitmap; none is empty. */
	u32 take_at(u32 at, u32 count) TBK_REQUIRES(lock_);
	Run take_aligned(u32 offset, u32 count, bool apart) TBK_REQUIRES(lock_);
	Run take_any(u32 count) TBK_REQUIRES(lock_);
	void give_back(u32 at, u32 count) TBK_REQUIRES(lock_);

	/* From epoch @epoch on, the blocks are in use or not. */
	void set_used(u64 epoch, u32 at, u32 count, bool used) TBK_REQUIRES(lock_);

	/* What epoch @epoch changed: a mask of bitmap blocks. */
	u32 changed_in(u64 epoch) const TBK_REQUIRES(lock_);
	void copy_bitmap(u64 epoch, u32 i, u8 *bits) const TBK_REQUIRES(lock_);
	u32 free_in(u64 epoch) const TBK_REQUIRES(lock_);
	u32 free_live() const TBK_REQUIRES(lock_);

private:
	Group(u64 index, u64 *memory)
		: index_(index), live_(memory), used_{ memory + words, memory + 2ul * words }
	{
	}
	~Group() = default;

	void start_epoch(u64 epoch) TBK_REQUIRES(lock_);
	void mark(u32 side, u32 at, u32 count, bool used) TBK_REQUIRES(lock_);
	u32 find_slots(u32 from, u32 to, u32 slots, u32 align) const TBK_REQUIRES(lock_);
	u32 find_slots_around(u32 slots, u32 align) const TBK_REQUIRES(lock_);
	bool slots_free(u32 slot, u32 slots) const TBK_REQUIRES(lock_);

	Mutex lock_{ TBK_RANK_GROUP };
	const u64 index_;
	u64 *const live_;
	u64 *const used_[2]; /* by parity of the epoch */
	u64 epoch_[2] TBK_GUARDED_BY(lock_) = { 0, 0 };
	u32 changed_[2] TBK_GUARDED_BY(lock_) = { 0, 0 };
	u32 next_slot_ TBK_GUARDED_BY(lock_) = 0; /* where the last search ended */
};

} // namespace thinback
