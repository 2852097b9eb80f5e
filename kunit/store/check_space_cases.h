/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_check_space suite, for whoever runs it. */
#define TBK_CHECK_SPACE_CASES(X)                        \
	X(check_space_finds_leak)                       \
	X(check_space_finds_data_and_nodes_marked_free) \
	X(check_space_finds_fixed_blocks_marked_free)   \
	X(check_space_finds_wrong_count_of_group)       \
	X(check_space_finds_wrong_count_of_pool)        \
	X(check_space_finds_slot_of_another_checkpoint) \
	X(check_space_finds_bitmap_of_other_blocks)
