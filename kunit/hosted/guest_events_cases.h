/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_events suite. */
#define TBK_GUEST_EVENTS_CASES(X)                  \
	X(event_of_what_waits_is_not_for_nothing)  \
	X(storm_meets_an_event_that_has_not_ended) \
	X(event_without_a_request_is_for_nothing)  \
	X(failing_reads_and_discards_are_errors)
