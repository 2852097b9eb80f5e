/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_scrub_run suite. */
#define TBK_SCRUB_RUN_CASES(X)                  \
	X(scrub_goes_by_the_tree_as_it_is_then) \
	X(scrub_finds_nothing_under_load)       \
	X(scrub_heals_under_load)               \
	X(scrub_stops_when_told)                \
	X(scrub_keeps_to_its_rate)              \
	X(scrub_ends_when_the_pool_is_closed)   \
	X(scrub_ends_when_the_pool_fails)
