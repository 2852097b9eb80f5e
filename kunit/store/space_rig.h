/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of Space share. */
#pragma once

#include "../harness/check.h"
#include "small_pool.h"

namespace thinback {

inline constexpr u64 group_blocks = format::group_blocks;
inline constexpr u64 fixed_0 = 44 + 8 + SmallPool::journal_blocks; /* of the first group */

inline Want metadata(u32 count = 1)
{
	Want want;

	want.count = count;
	want.metadata = true;
	return want;
}

/* Takes and uses @count blocks in as few runs as it gets; false when there are not so many. */
inline bool use_up(SmallPool &pool, Home &home, u64 count)
{
	while (count > 0) {
		const u64 most = 1u << 20;
		auto run = pool.space->take(home, metadata(static_cast<u32>(min(count, most))));

		if (!run.is_ok())
			return false;
		pool.space->use(pool.epoch, run.value());
		count -= run.value().count;
	}
	return true;
}

inline Status write_epoch(SmallPool &pool)
{
	pool.flip();
	return pool.write_out();
}

} // namespace thinback
