/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_disk suite. */
#define TBK_GUEST_DISK_CASES(X)                                \
	X(guest_reads_what_it_wrote)                           \
	X(guest_of_32_bits_reads_what_it_wrote)                \
	X(guest_reads_parts_of_pages)                          \
	X(batch_is_mapped_at_once_and_answered_with_one_event) \
	X(bad_requests_are_answered_each_with_its_own_id)      \
	X(bad_grant_fails_its_request_alone)                   \
	X(read_into_a_read_only_page_fails)                    \
	X(write_from_a_read_only_page_works)                   \
	X(failing_write_is_an_error)                           \
	X(failing_flush_is_not_answered_and_closes_the_disk)   \
	X(page_that_is_held_is_not_unmapped)                   \
	X(index_out_of_bounds_stops_the_ring_alone)            \
	X(full_ring_at_connect_is_served)                      \
	X(garbage_ring_at_connect_is_refused)                  \
	X(missing_keys_are_refused_until_they_come)            \
	X(close_waits_for_requests_in_flight)                  \
	X(leave_waits_for_requests_in_flight)                  \
	X(reconnect_serves_the_new_ring)                       \
	X(evicted_disk_departs_when_the_guest_closes)          \
	X(vanished_guest_departs)                              \
	X(keys_say_what_the_disk_is)                           \
	X(statistics_count_what_was_done)                      \
	X(random_frontend_never_gets_stuck)
