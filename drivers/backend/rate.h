/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>

namespace thinback {

/*
 * So many a second and no more, for several who take at the same time: a bucket
 * that fills at that rate and holds what comes in within a tenth of a second. Whoever
 * takes may owe what is not there yet, and is told when it will be. Who comes
 * next is told of a later time: so nobody is overtaken for ever, and what is
 * larger than the bucket gets through as well.
 */
class Rate {
public:
	static constexpr u64 second_ns = 1'000'000'000;
	static constexpr u64 burst_ns = second_ns / 10;

	/* 0: no bound. What was owed is forgotten. Any context. */
	void set(u64 per_second)
	{
		due_ns_.store_relaxed(0);
		per_second_.store_relaxed(per_second);
	}
	u64 per_second() const { return per_second_.load_relaxed(); }

	/* Takes @count, 2^24 at the most. Returns from what time on it may be used. */
	u64 take(u64 count, u64 now_ns)
	{
		const u64 full = now_ns > burst_ns ? now_ns - burst_ns : 0;
		const u64 cost = cost_of(count);
		u64 due = due_ns_.load_relaxed();
		u64 start = 0;

		if (per_second() == 0)
			return 0;
		do {
			start = max(due, full);
		} while (!due_ns_.compare_exchange(due, start + cost));
		return start;
	}

	/* @count that were taken are not needed. */
	void give_back(u64 count)
	{
		const u64 cost = cost_of(count);
		u64 due = due_ns_.load_relaxed();

		/* set() may have forgotten it. */
		while (!due_ns_.compare_exchange(due, due > cost ? due - cost : 0))
			;
	}

private:
	/* Rounded up: with more than a million a second it comes to a little less. */
	u64 cost_of(u64 count) const
	{
		const u64 rate = per_second();

		return rate ? (count * second_ns + rate - 1) / rate : 0;
	}

	Atomic<u64> per_second_;
	Atomic<u64> due_ns_; /* when all that was taken has come in */
};

} // namespace thinback
