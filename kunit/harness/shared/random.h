/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* Numbers by chance; in a process the run's seed decides. */
class Random {
public:
	Random()
	{
		tbk_random(&state_, sizeof(state_));
		tbk_log(TBK_LOG_DEBUG, "random numbers start with %llu", state_);
		state_ |= 1;
	}
	explicit Random(u64 seed) : state_(seed | 1) {}

	u64 next()
	{
		state_ ^= state_ << 13;
		state_ ^= state_ >> 7;
		state_ ^= state_ << 17;
		return (state_ * 0x2545f4914f6cdd1d) >> 16;
	}
	u64 below(u64 n) { return next() % n; }
	bool one_in(u64 n) { return below(n) == 0; }

private:
	u64 state_ = 0;
};

} // namespace thinback
