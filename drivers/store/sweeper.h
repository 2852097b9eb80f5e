/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>

#include "space.h"
#include "sweep_batch.h"

namespace thinback {

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
	static constexpr u32 room = 2048;

	static void run_work(struct tbk_work *work);
	bool is_idle() const { return done_.load_acquire() == kicks_.load_acquire(); }
	bool is_short() const;
	bool sweep(const SweepPolicy &policy, bool in_haste);
	void release_all();
	bool fill();

	Pool &pool_;
	Atomic<u32> what_;
	Atomic<u32> rate_;
	Atomic<u8> finishing_;
	Atomic<u8> stopping_;
	Run *runs_ = nullptr; /* `room` of them, once the policy asks for it */

	/* Of the work alone, as is what the batch is of. */
	u32 count_ = 0;
	u32 at_ = 0;
	u64 next_ns_ = 0; /* not before, lest it be too fast */
	SweepBatch batch_;

	/* Each counts up, and is followed by the other once a round has seen it. */
	Atomic<u64> kicks_;
	Atomic<u64> done_; /* with nothing left */
	Atomic<u64> asked_;
	Atomic<u64> answered_;
	struct tbk_wait wait_ {};
	struct tbk_work work_ {};
};

} // namespace thinback
