/* SPDX-License-Identifier: GPL-2.0 */
#define TBK_CRASH_EXPLORER_CASES(X)                   \
	X(crash_explorer_finds_what_was_acknowledged) \
	X(crash_explorer_finds_it_on_a_full_pool)     \
	X(crash_explorer_finds_it_with_large_sectors) \
	X(crash_explorer_finds_it_among_discards)     \
	X(crash_explorer_finds_it_among_scrubs)       \
	X(crash_explorer_finds_it_without_a_cache)
