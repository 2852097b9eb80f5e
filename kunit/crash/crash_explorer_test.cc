// SPDX-License-Identifier: GPL-2.0
#include "../harness/check.h"
#include "explorer.h"

using namespace thinback;

namespace {

crash::ExplorerOptions usual()
{
	crash::ExplorerOptions options;

	options.device.asynchronous = true;
	options.device.late = 16;
	return options;
}

} // namespace

TBK_TEST(crash_explorer_finds_what_was_acknowledged)
{
	crash::Explorer(test, usual()).run();
}

TBK_TEST(crash_explorer_finds_it_on_a_full_pool)
{
	crash::ExplorerOptions options = usual();

	options.leave_free = 2 << 20;
	crash::Explorer(test, options).run();
}

TBK_TEST(crash_explorer_finds_it_with_large_sectors)
{
	crash::ExplorerOptions options = usual();

	options.device.logical_block = 4096;
	crash::Explorer(test, options).run();
}

/* Nothing that is flushed may be in a block that was discarded, whatever its disk makes of that. */
TBK_TEST(crash_explorer_finds_it_among_discards)
{
	crash::ExplorerOptions options = usual();

	options.device.does_discard_scramble = true;
	options.policy = { TBK_POLICY_DISCARD | TBK_POLICY_DISCARD_RATE, 1, 0, 0 };
	options.workload.detects_zeroes = true;
	crash::Explorer(test, options).run();
}

TBK_TEST(crash_explorer_finds_it_among_scrubs)
{
	crash::ExplorerOptions options = usual();

	options.device.does_discard_scramble = true;
	options.policy = { TBK_POLICY_DISCARD | TBK_POLICY_SCRUB_FREED, 1, 1, 0 };
	crash::Explorer(test, options).run();
}

TBK_TEST(crash_explorer_finds_it_without_a_cache)
{
	crash::ExplorerOptions options = usual();

	options.device.volatile_cache = false;
	options.device.discards = false;
	crash::Explorer(test, options).run();
}
