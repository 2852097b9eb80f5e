/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>

#include "space.h"

namespace thinback {

class Pool;

/* What is done with freed blocks of data before they are given out again; as in the superblock. */
struct SweepPolicy {
	u32 what = 0; /* format::policy_* */
	u32 rate = 0; /* MiB a second; 0: the default, format::no_discard_rate: no bound */

	bool discards() const { return (what & format::policy_discard) != 0; }
	bool scrubs() const { return (what & format::policy_scrub_freed) != 0; }
	/* Bytes a second, 0 without a bound. */
	u64 bytes_per_second() const;
};

/*
 * Discards freed blocks, or overwrites them with zeros, a few requests at a
 * time and not faster than the policy says. They are durably free, and nobody's
 * requests reach them any more; Space keeps them until they are swept.
 *
 * A discard is a favour: where blocks are short it is left out. A scrub is not.
 */
class Sweeper {
public:
	explicit Sweeper(Pool &pool);
	~Sweeper();
	Sweeper(const Sweeper &) = delete;
	Sweeper &operator=(const Sweeper &) = delete;

	/* What the policy takes of memory is got before it holds. One at a time. */
	Status set(const SweepPolicy &policy);
	SweepPolicy policy() const { return { what_.load_acquire(), rate_.load_relaxed() }; }
	bool is_on() const { return what_.load_acquire() != 0; }
	/* Blocks that nothing may be given before they are overwritten. */
	bool is_scrubbing() const { return policy().scrubs() && !is_idle(); }

	/* Space has blocks for it. Context: any. */
	void kick();
	/* Somebody wants a block. Sleeps until there are some, or nothing is left to do. */
	void hurry();
	void wait_idle();
	/* The same, as fast as the device can. */
	void finish();
	/* What is left to do is dropped. Sleeps. */
	void stop();

private:
	static constexpr u32 depth = 8; /* requests at a time */
	static constexpr u32 room = 2048;
	static constexpr u32 zero_blocks = 64;
	static constexpr u32 discard_blocks = 16384;

	struct Slot {
		struct tbk_io io {};
		struct tbk_payload payload {};
		IoWait *wait = nullptr;
		Run run;
		bool failed = false; /* to write zeros */
	};

	static void run_work(struct tbk_work *work);
	static void done(struct tbk_io *io);
	bool is_idle() const { return done_.load_acquire() == kicks_.load_acquire(); }
	/* Of the device's discards, in blocks; 0: it has none. */
	u64 granule() const;
	bool is_short() const;
	bool may_discard(const SweepPolicy &policy) const;
	bool sweep(const SweepPolicy &policy, bool in_haste);
	void release_all();
	bool fill();
	u64 most_of_piece(const SweepPolicy &policy, u64 budget) const;
	u32 cut_pieces(const SweepPolicy &policy);
	u32 piece_of(const Run &run, u32 most) const;
	bool aim_zeros(Slot &slot, u64 from) const;
	bool aim_discard(Slot &slot) const;
	void overwrite(u32 count);
	void discard(u32 count);
	void submit(u32 op, const bool *is_aimed, u32 count);
	void tell(u32 op, int error);
	void slow_down(const SweepPolicy &policy, u64 begun, u32 count);

	Pool &pool_;
	Atomic<u32> what_;
	Atomic<u32> rate_;
	Atomic<u8> refused_; /* the device said that it has no discards */
	Atomic<u8> told_;
	Atomic<u8> finishing_;
	Atomic<u8> stopping_;
	Run *runs_ = nullptr; /* `room` of them; once the policy asks for it, as zeros_ */
	u8 *zeros_ = nullptr;

	/* Of the work alone. */
	u32 count_ = 0;
	u32 at_ = 0;
	u64 next_ns_ = 0; /* not before, lest it be too fast */
	Slot slots_[depth];

	/* Each counts up, and is followed by the other once a round has seen it. */
	Atomic<u64> kicks_;
	Atomic<u64> done_; /* with nothing left */
	Atomic<u64> asked_;
	Atomic<u64> answered_;
	struct tbk_wait wait_ {};
	struct tbk_work work_ {};
};

} // namespace thinback
