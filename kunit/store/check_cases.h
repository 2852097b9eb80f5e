/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_check suite, for whoever runs it. */
#define TBK_CHECK_CASES(X)                                   \
	X(check_finds_nothing_wrong_with_a_new_pool)         \
	X(check_finds_nothing_wrong_with_a_used_pool)        \
	X(check_counts_what_there_is)                        \
	X(check_writes_nothing)                              \
	X(check_refuses_what_is_no_pool)                     \
	X(check_reports_progress)                            \
	X(check_keeps_back_all_but_a_thousand_findings)      \
	X(check_names_every_node_with_a_flipped_bit)         \
	X(check_names_copy_of_node_with_a_flipped_bit)       \
	X(check_names_bitmap_and_summary_with_a_flipped_bit) \
	X(check_names_copy_of_superblock_with_a_flipped_bit) \
	X(check_goes_by_the_other_ring)                      \
	X(check_names_node_that_cannot_be_read)              \
	X(check_does_not_take_for_leaks_what_it_cannot_read) \
	X(probe_tells_name_and_size)                         \
	X(probe_refuses_what_is_no_pool)                     \
	X(open_refuses_damaged_catalog_and_writes_nothing)   \
	X(open_refuses_damaged_summary_and_writes_nothing)   \
	X(damaged_volume_fails_and_others_do_not)            \
	X(open_heals_nodes_from_their_copies)                \
	X(open_reads_a_pool_without_copies)
