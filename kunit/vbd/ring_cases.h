/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_ring suite, for whoever runs it. */
#define TBK_RING_CASES(X)                                 \
	X(attach_goes_on_where_responses_ended)           \
	X(attach_rejects_more_requests_than_slots)        \
	X(attach_takes_a_full_ring)                       \
	X(demand_rejects_too_many_requests)               \
	X(demand_rejects_an_index_that_went_back)         \
	X(demand_counts_across_wrap)                      \
	X(take_decodes_read_write_of_x86_64)              \
	X(take_decodes_read_write_of_x86_32)              \
	X(take_decodes_discard_of_both_layouts)           \
	X(take_decodes_indirect_of_both_layouts)          \
	X(take_copies_so_that_the_guest_cannot_change_it) \
	X(take_finds_each_slot_of_a_ring_of_pages)        \
	X(put_back_request_comes_again)                   \
	X(respond_leaves_padding_alone)                   \
	X(respond_packs_for_x86_32)                       \
	X(publish_asks_for_an_event_only_where_wanted)    \
	X(publish_shows_nothing_before)                   \
	X(arm_sees_a_request_that_came_meanwhile)
