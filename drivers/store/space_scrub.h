/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "durable_space.h"

namespace thinback {

/*
 * The part of a scrub that compares summaries and bitmaps with each other and with what
 * is in memory. Of two slots one is valid; what the other one holds nobody reads, and the
 * next change overwrites it.
 *
 * What memory has is written anew by a checkpoint, as a change would be: to the other
 * slot. Memory has all summaries, and bitmaps of the groups that have been looked at
 * since the pool was opened.
 */
class SpaceScrub : public DurableSpace {
public:
	SpaceScrub(Pool &pool, ScrubTally &tally) : DurableSpace(pool, tally) {}

	/* @images: as many blocks, until the last step. Returns about how many there are to read. */
	u64 begin(u8 *images);
	/* A summary, or the bitmaps of a group. False after the last. */
	bool step();

private:
	void visit_summary();
	bool have_summary();
	Status heal_summary();
	void visit_group();
	u32 read_bitmaps();
	Status heal_bitmap(u32 i);
	void tell_bitmap(u32 i);
	void tell_other(u32 i);
	void tell_free();

	u64 next_ = 0; /* summary */
	u64 end_ = 0;  /* the first group that the summary at hand does not tell of */
	/* Of the group at hand: */
	u32 told_ = 0;	    /* bitmaps of which something has been told, a mask */
	u32 free_ = 0;	    /* in those that have been read */
	Err why_ = Err::ok; /* the last one did not verify */
};

} // namespace thinback
