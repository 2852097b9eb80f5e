/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/block.h>
#include <thinback/base/result.h>

namespace thinback {

class Pool;

/* What a scrub has come to so far: its work counts, anybody reads. */
struct ScrubTally {
	Atomic<u64> done;  /* blocks read */
	Atomic<u64> total; /* an estimate */
	Atomic<u64> found;
	Atomic<u64> healed;
};

/* What is bad, and how what was done about it is told. */
struct ScrubFinding {
	const char *what = nullptr;
	u64 number = 0;		    /* of those */
	const char *more = nullptr; /* that follows the number */
	PhysicalBlock at;
	Err why = Err::ok;
	const char *healed = nullptr;
	const char *not_healed = nullptr;
	const char *remedy = nullptr; /* that follows the reason */
};

/* What the parts of a scrub have in common that verify what lies at fixed places. */
class ScrubPart {
public:
	ScrubPart(const ScrubPart &) = delete;
	ScrubPart &operator=(const ScrubPart &) = delete;

protected:
	ScrubPart(Pool &pool, ScrubTally &tally) : pool_(pool), tally_(tally) {}
	~ScrubPart() = default;

	/* Into @image; also what it says of itself, as check_block() has it. */
	Status read(PhysicalBlock at, u32 magic, u8 *image);
	/* One that begins now, is durable when this returns. Sleeps. */
	Status checkpoint();
	/* Counts a finding; @not_healed: ok if it was. */
	void count(Err not_healed);
	/* The same, and a line in the log; @reason: why it was not. */
	void tell(const ScrubFinding &found, Err not_healed, const char *reason);

	Pool &pool_;
	ScrubTally &tally_;
};

} // namespace thinback
