/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_turns suite. */
#define TBK_GUEST_TURNS_CASES(X)                        \
	X(ring_full_of_rubbish_does_not_starve_another) \
	X(ring_full_of_reads_does_not_starve_another)   \
	X(large_requests_cost_more_of_a_turn)           \
	X(turn_that_ends_loses_no_request)              \
	X(answers_to_one_ring_do_not_hold_up_anothers)
