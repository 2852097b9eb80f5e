/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_quota suite. */
#define TBK_QUOTA_CASES(X)                          \
	X(quota_is_exact_to_the_block)              \
	X(quota_is_exact_among_writes_at_once)      \
	X(quota_counts_what_is_own_alone)           \
	X(quota_that_is_reached_is_told_once)       \
	X(reserve_keeps_the_last_blocks)            \
	X(reserve_that_is_not_there_is_refused)     \
	X(limits_that_make_no_sense_are_refused)    \
	X(limits_survive)                           \
	X(limits_stay_with_the_name)                \
	X(wait_ends_in_time)                        \
	X(wait_ends_with_a_removal)                 \
	X(pause_ends_with_a_removal)                \
	X(pause_ends_with_a_larger_quota)           \
	X(pause_ends_with_a_discard)                \
	X(pause_ends_with_another_policy)           \
	X(pause_ends_when_its_handle_leaves)        \
	X(pause_holds_up_nobody_else)               \
	X(pause_ends_past_a_new_end)                \
	X(levels_have_marks_and_some_room_to_spare) \
	X(level_is_told_when_full_and_after)        \
	X(level_is_full_when_the_rest_is_reserved)  \
	X(marks_survive)
