/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/format/space.h>
#include <thinback/format/superblock.h>

#include "group.h"
#include "scrub_part.h"

namespace thinback {

/*
 * The part of a scrub that reads the summaries and bitmaps that the newest durable
 * superblock leads to, as opening the pool would, and compares these with each other
 * and with what is in memory. Of two slots one is valid; what the other one holds
 * nobody reads, and the next change overwrites it.
 *
 * No lock is held. A slot is not written while the newest superblock names it: what does
 * not verify is bad only if the newest one names the same slot, by the same tag, before
 * and after it was read.
 *
 * What memory has is written anew by a checkpoint, as a change would be: to the other
 * slot. Memory has all summaries, and bitmaps of the groups that have been looked at
 * since the pool was opened.
 */
class SpaceScrub : public ScrubPart {
public:
	static constexpr u32 images_needed = 3;

	SpaceScrub(Pool &pool, ScrubTally &tally) : ScrubPart(pool, tally) {}

	/* @images: as many blocks, until the last step. Returns about how many there are to read. */
	u64 begin(u8 *images);
	/* A summary, or the bitmaps of a group. False after the last. */
	bool step();

private:
	static constexpr u32 most_tries = 8;

	/* By what a slot is named in a row. */
	class Sightings {
	public:
		/* Whether it was read twice, and named the same all the time. */
		bool are_enough(u32 name)
		{
			count_ = name == name_ ? count_ + 1 : 0;
			name_ = name;
			return count_ == 2;
		}

	private:
		u32 name_ = ~0u;
		u32 count_ = 0;
	};

	const format::Superblock &super() const
	{
		return *reinterpret_cast<const format::Superblock *>(images_);
	}
	const format::SummaryBlock &summary() const
	{
		return *reinterpret_cast<const format::SummaryBlock *>(images_ +
								       format::block_size);
	}
	const format::BitmapBlock &bitmap() const
	{
		return *reinterpret_cast<const format::BitmapBlock *>(images_ +
								      2 * format::block_size);
	}
	const format::SummaryEntry &entry() const
	{
		return summary().groups[group_ % format::groups_per_summary];
	}
	Geometry geometry() const;
	PhysicalBlock summary_at() const;
	PhysicalBlock bitmap_at(u32 i) const;

	Status load_super();
	Status read_super(u64 at, u64 checkpoint);
	void visit_summary();
	bool have_summary();
	Status load_summary();
	Status read_summary();
	Status heal_summary();

	void visit_group();
	u32 read_bitmaps();
	Status read_bitmap(u32 i);
	Status heal_bitmap(u32 i);
	void tell_bitmap(u32 i);
	void tell_other(u32 i);
	void tell_free();

	u8 *images_ = nullptr; /* of a superblock, of a summary, of a bitmap */
	bool has_super_ = false;
	bool is_over_ = false;
	u64 next_ = 0;	     /* summary */
	u64 summary_of_ = 0; /* the checkpoint that the summary in memory is of; 0: there is none */
	u64 index_ = 0;	     /* the summary at hand */
	u64 group_ = 0;	     /* of those that it tells of, the next */
	u64 end_ = 0;	     /* the first that it does not tell of */
	/* Of the group at hand: */
	u32 told_ = 0;	    /* bitmaps of which something has been told, a mask */
	u32 free_ = 0;	    /* in those that have been read */
	Err why_ = Err::ok; /* the last one did not verify */
};

} // namespace thinback
