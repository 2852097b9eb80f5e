/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>

#include "space.h"
#include "sweep_policy.h"

namespace thinback {

class Pool;

/*
 * The few requests that a sweeper has in flight at a time: pieces of runs, each
 * overwritten with zeros, discarded, or both. All is of the sweeper's work alone,
 * but for prepare() and may_discard().
 */
class SweepBatch {
public:
	explicit SweepBatch(Pool &pool) : pool_(pool) {}
	~SweepBatch();
	SweepBatch(const SweepBatch &) = delete;
	SweepBatch &operator=(const SweepBatch &) = delete;

	/* Memory for what @policy asks, and what the device can do. One at a time. */
	Status prepare(const SweepPolicy &policy);
	bool may_discard(const SweepPolicy &policy) const;

	/* Pieces off the front of @runs, about an eighth of a second's worth; returns how many runs are used up. */
	u32 cut(Run *runs, u32 count, const SweepPolicy &policy);
	/* Sleeps. */
	void sweep(const SweepPolicy &policy);
	u64 bytes() const;
	/* To Space: for use, or to be kept, where zeros could not be written. */
	void give_back();

private:
	static constexpr u32 depth = 8; /* requests at a time */
	static constexpr u32 zero_blocks = 64;
	static constexpr u32 discard_blocks = 16384;

	struct Slot {
		struct tbk_io io {};
		struct tbk_payload payload {};
		IoWait *wait = nullptr;
		Run run;
		bool failed = false; /* to write zeros */
	};

	static void done(struct tbk_io *io);
	/* Of the device's discards, in blocks; 0: it has none. */
	u64 granule() const;
	u64 most_of_piece(const SweepPolicy &policy, u64 budget) const;
	u32 piece_of(const Run &run, u32 most) const;
	bool aim_zeros(Slot &slot, u64 from) const;
	bool aim_discard(Slot &slot) const;
	void overwrite();
	void discard();
	void submit(u32 op, const bool *is_aimed);
	void tell(u32 op, int error);

	Pool &pool_;
	Atomic<u8> refused_; /* the device said that it has no discards */
	Atomic<u8> told_;
	u8 *zeros_ = nullptr; /* `zero_blocks`; once the policy asks for it */
	Slot slots_[depth];
	u32 count_ = 0;
};

} // namespace thinback
