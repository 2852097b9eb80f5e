/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_limits suite. */
#define TBK_GUEST_LIMITS_CASES(X)                          \
	X(rate_without_bound_asks_for_nothing)             \
	X(rate_saves_up_no_more_than_its_burst)            \
	X(rate_lends_and_is_paid_back)                     \
	X(requests_a_second_hold_over_all_rings)           \
	X(bytes_a_second_hold_for_reads_and_writes)        \
	X(indirect_requests_pay_for_what_they_carry)       \
	X(flushes_and_discards_are_requests_without_data)  \
	X(limited_requests_stay_on_the_ring)               \
	X(rings_that_wait_have_their_turns)                \
	X(changed_limit_calls_those_who_wait)              \
	X(request_that_changes_while_it_waits_is_paid_for) \
	X(one_request_at_a_time_makes_progress)            \
	X(keys_are_heeded_when_they_change)
