/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/format/superblock.h>

namespace thinback {

/* What is done with freed blocks of data before they are given out again; as in the superblock. */
struct SweepPolicy {
	u32 what = 0; /* format::policy_* */
	u32 rate = 0; /* MiB a second; 0: the default, format::no_discard_rate: no bound */

	bool discards() const { return (what & format::policy_discard) != 0; }
	bool scrubs() const { return (what & format::policy_scrub_freed) != 0; }
	/* Bytes a second, 0 without a bound. */
	u64 bytes_per_second() const
	{
		if (rate == format::no_discard_rate)
			return 0;
		return u64{ rate ? rate : format::default_discard_rate } << 20;
	}
};

} // namespace thinback
