/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_indirect suite. */
#define TBK_GUEST_INDIRECT_CASES(X)                     \
	X(indirect_write_reads_back)                    \
	X(indirect_pages_are_mapped_at_once)            \
	X(bad_indirect_is_answered_with_its_operation)  \
	X(list_that_changes_later_changes_nothing)      \
	X(list_that_cannot_be_mapped_fails_its_request) \
	X(bad_page_in_a_list_fails_its_request)         \
	X(indirect_requests_wait_for_room)              \
	X(random_lists_never_get_stuck)
