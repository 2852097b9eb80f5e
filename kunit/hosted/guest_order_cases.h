/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_order suite. */
#define TBK_GUEST_ORDER_CASES(X)                               \
	X(discard_reaches_a_device)                            \
	X(discard_is_offered_only_where_it_works)              \
	X(bad_discards_reach_nothing)                          \
	X(barrier_goes_alone)                                  \
	X(barrier_is_flushed_and_durable)                      \
	X(barrier_orders_what_overlaps)                        \
	X(barrier_behind_barrier_waits)                        \
	X(waiting_barrier_is_left_to_the_next)                 \
	X(barrier_is_not_offered_to_several_rings)             \
	X(failing_barrier_is_not_answered_and_closes_the_disk) \
	X(flush_that_is_not_known_loses_no_data)
