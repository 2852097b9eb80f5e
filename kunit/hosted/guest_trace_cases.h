/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_trace suite. */
#define TBK_GUEST_TRACE_CASES(X)                       \
	X(requests_are_told_of_at_both_ends)           \
	X(long_discard_is_told_of_as_it_was_asked_for) \
	X(pages_are_told_of)                           \
	X(way_to_the_device_is_told_of)                \
	X(nothing_is_told_to_nobody)
