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

constexpr u64 group_of(u64 block)
{
	return block / format::group_blocks;
}

constexpr u32 within_group(u64 block)
{
	return static_cast<u32>(block % format::group_blocks);
}

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
	u32 most_free_in(u64 group) const { return most_free_in(group, 0, format::group_blocks); }
	/* The same from one to another, relative to the group. */
	u32 most_free_in(u64 group, u64 from, u64 to) const
	{
		const u64 start = max(from, format::fixed_blocks(group));
		const u64 end = min(to, blocks - group * format::group_blocks);
		const u64 count = end > start ? end - start : 0;
		/* The second ring and the journal, in the first group only. */
		const u64 from_ring = max(start, format::ring_b);
		const u64 to_journal = min(end, format::journal_start + journal_blocks);
		const bool has_ring = group == 0 && to_journal > from_ring;

		return static_cast<u32>(count - (has_ring ? to_journal - from_ring : 0));
	}
	/* Those that are. */
	u64 fixed() const
	{
		u64 count = blocks;

		for (u64 g = 0; g < groups(); g++)
			count -= most_free_in(g);
		return count;
	}
	/* Whether blocks can be in use at all: inside the pool, of one group, and not fixed. */
	bool is_sound(u64 start, u64 count) const
	{
		const u64 past_journal = format::journal_start + journal_blocks;

		if (count == 0 || start >= blocks || count > blocks - start)
			return false;
		if (group_of(start) != group_of(start + count - 1) ||
		    within_group(start) < format::fixed_blocks(group_of(start)))
			return false;
		return group_of(start) != 0 || start >= past_journal ||
		       start + count <= format::ring_b;
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
 * Which slots have a block that is live stands in a bitmap of its own, so that a search for
 * whole free ones costs little in a group that has few.
 *
 * All members need lock(). Owned by Space.
 */
class Group {
public:
	static constexpr u32 words = format::group_blocks / bits_per_word;
	static constexpr u32 slot_blocks = 16; /* 64 KiB: a neighbourhood that belongs together */
	static constexpr u32 slots = format::group_blocks / slot_blocks;

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

	/*
	 * A scrub's: false if bitmap block @i has other bits as of epoch @epoch, which is
	 * durable; true also if what was then is gone.
	 */
	bool agrees(u64 epoch, u32 i, const u8 *bits) const TBK_REQUIRES(lock_);
	/* Bitmap block @i is a change of the epoch for which renew_in() is called next. */
	void renew(u32 i) TBK_REQUIRES(lock_) { renewed_ |= 1u << i; }
	void renew_in(u64 epoch) TBK_REQUIRES(lock_);

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
	u32 find_slots(u32 from, u32 to, u32 wanted, u32 align) const TBK_REQUIRES(lock_);
	u32 find_slots_around(u32 wanted, u32 align) const TBK_REQUIRES(lock_);
	bool is_slot_free(u32 slot) const TBK_REQUIRES(lock_);
	void set_live(u32 at, u32 count) TBK_REQUIRES(lock_);

	Mutex lock_{ TBK_RANK_GROUP };
	const u64 index_;
	u64 *const live_;
	u64 *const used_[2]; /* by parity of the epoch */
	u64 epoch_[2] TBK_GUARDED_BY(lock_) = { 0, 0 };
	u32 changed_[2] TBK_GUARDED_BY(lock_) = { 0, 0 };
	u64 live_slots_[slots / bits_per_word] TBK_GUARDED_BY(lock_) = {};
	u32 any_from_ TBK_GUARDED_BY(lock_) = 0; /* no word of live_ before it has a clear bit */
	u32 renewed_ TBK_GUARDED_BY(lock_) = 0;
	u32 next_slot_ TBK_GUARDED_BY(lock_) = 0; /* where the last search ended */
};

} // namespace thinback
