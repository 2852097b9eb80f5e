/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_steady suite. */
#define TBK_GUEST_STEADY_CASES(X)                       \
	X(requests_of_a_guest_allocate_nothing)         \
	X(page_that_stays_costs_no_memory_for_requests) \
	X(page_may_change_while_it_is_written)          \
	X(page_may_change_while_zeros_are_looked_for)
