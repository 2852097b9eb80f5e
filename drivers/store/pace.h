/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/platform.h>

namespace thinback {

/*
 * So much a second and no more, for work in the background. rate() may be set by
 * anybody at any time; the rest is for the one thread that does the work.
 */
class Pace {
public:
	/* 0: no bound. */
	void set_rate(u64 per_second) { rate_.store_relaxed(per_second); }
	u64 rate() const { return rate_.load_relaxed(); }

	/* How much to do at once so that it comes evenly; @most without a bound. */
	u64 portion(u64 most) const
	{
		constexpr u64 portions_a_second = 20;
		const u64 rate = this->rate();
		const u64 share = rate / portions_a_second;

		return rate == 0 || share > most ? most : share > 0 ? share : 1;
	}

	/* @count have been done. What was not used up in a pause is gone. */
	void spend(u64 count)
	{
		constexpr u64 second_ns = 1'000'000'000;
		const u64 rate = this->rate();
		const u64 now = tbk_now_ns();

		if (rate)
			due_ns_ = (due_ns_ > now ? due_ns_ : now) + count * second_ns / rate;
	}

	/* For how many milliseconds nothing is to be done. */
	u32 owed_ms() const
	{
		constexpr u64 ms = 1'000'000;
		constexpr u64 longest = 10'000; /* so that a higher rate is soon seen */
		const u64 now = tbk_now_ns();
		const u64 owed = rate() && due_ns_ > now ? (due_ns_ - now) / ms : 0;

		return static_cast<u32>(owed < longest ? owed : longest);
	}

private:
	Atomic<u64> rate_;
	u64 due_ns_ = 0;
};

} // namespace thinback
