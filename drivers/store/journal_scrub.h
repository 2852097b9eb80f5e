/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "scrub_part.h"

namespace thinback {

/*
 * The part of a scrub that reads what opening the pool after a crash would read of
 * the journal: written since the last checkpoint began, and before the scrub did.
 * Memory has all of it, so the next checkpoint makes up for what is bad.
 */
class JournalScrub : public ScrubPart {
public:
	JournalScrub(Pool &pool, ScrubTally &tally) : ScrubPart(pool, tally) {}

	/* @image: a block, until the last step. Returns how many there are to read. */
	u64 begin(u8 *image);
	/* One block. False after the last. */
	bool step();

private:
	PhysicalBlock next_at() const;
	Status read_next();
	bool is_wanted() const;
	void judge(Err why);

	u8 *image_ = nullptr;
	u64 next_ = 0; /* number of the block */
	u64 end_ = 0;
};

} // namespace thinback
