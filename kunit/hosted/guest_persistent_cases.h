/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_persistent suite. */
#define TBK_GUEST_PERSISTENT_CASES(X)          \
	X(pages_stay_mapped_where_both_agree)  \
	X(page_named_twice_is_mapped_twice)    \
	X(pages_that_stay_are_bounded)         \
	X(pages_unused_for_long_go)            \
	X(page_that_is_held_outlasts_its_time) \
	X(close_waits_for_a_page_that_is_held) \
	X(indirect_pages_stay_mapped)          \
	X(page_that_cannot_be_written_fails)   \
	X(random_grants_never_get_stuck)
