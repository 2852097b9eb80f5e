/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_full suite. */
#define TBK_FULL_CASES(X)                    \
	X(wait_ends_in_time)                 \
	X(wait_ends_with_a_removal)          \
	X(pause_ends_with_a_removal)         \
	X(pause_ends_with_a_larger_quota)    \
	X(pause_ends_with_a_discard)         \
	X(pause_ends_with_another_policy)    \
	X(pause_ends_when_its_handle_leaves) \
	X(pause_holds_up_nobody_else)        \
	X(pause_ends_past_a_new_end)         \
	X(retries_leave_a_worker_to_who_is_waited_for)
