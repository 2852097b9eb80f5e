/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_quota suite. */
#define TBK_QUOTA_CASES(X)                       \
	X(quota_is_exact_to_the_block)           \
	X(quota_is_exact_among_writes_at_once)   \
	X(quota_counts_what_is_own_alone)        \
	X(quota_that_is_reached_is_told_once)    \
	X(reserve_keeps_the_last_blocks)         \
	X(reserve_that_is_not_there_is_refused)  \
	X(limits_that_make_no_sense_are_refused) \
	X(limits_survive)                        \
	X(limits_stay_with_the_name)
