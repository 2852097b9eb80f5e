/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_features suite, for whoever runs it. */
#define TBK_FEATURES_CASES(X)                          \
	X(parse_reads_numbers)                         \
	X(parse_rejects_what_is_no_number)             \
	X(features_default_to_one_ring_of_one_page)    \
	X(features_know_each_protocol)                 \
	X(features_refuse_an_unknown_protocol)         \
	X(features_refuse_more_queues_than_offered)    \
	X(features_refuse_more_pages_than_offered)     \
	X(ring_takes_ring_ref_without_an_order)        \
	X(ring_takes_ring_ref0_with_an_order)          \
	X(ring_takes_ring_ref_with_an_order_of_0)      \
	X(ring_ignores_what_an_old_frontend_left)      \
	X(ring_reads_folders_of_several_queues)        \
	X(ring_needs_all_of_its_pages)                 \
	X(ring_needs_the_folder_of_each_queue)         \
	X(features_take_what_is_no_number_for_missing) \
	X(ring_takes_empty_keys_for_missing)           \
	X(keys_of_all_rings_are_read_once)             \
	X(features_keep_grants_only_if_both_want_it)
