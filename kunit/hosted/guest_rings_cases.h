/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_rings suite. */
#define TBK_GUEST_RINGS_CASES(X)                      \
	X(queues_serve_one_disk)                      \
	X(rings_of_every_order_take_all_they_hold)    \
	X(ring_of_order_0_is_found_by_either_key)     \
	X(request_waits_while_pages_are_few)          \
	X(waiting_request_is_left_to_the_next)        \
	X(limits_without_sense_are_brought_in_bounds) \
	X(offer_holds_until_the_next_connection)      \
	X(hostile_keys_leave_nothing_mapped)          \
	X(ring_that_cannot_start_takes_all_down)      \
	X(failing_flush_stops_all_queues)             \
	X(close_waits_for_all_queues)
