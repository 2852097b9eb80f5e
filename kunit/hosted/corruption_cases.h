/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_corruption suite. */
#define TBK_CORRUPTION_CASES(X)                            \
	X(corruption_is_an_error_and_never_a_wrong_byte)   \
	X(corruption_is_found_by_check)                    \
	X(corruption_of_one_copy_harms_nothing)            \
	X(corruption_of_a_leaf_keeps_no_pool_from_opening) \
	X(bad_sector_in_a_leaf_keeps_no_pool_from_opening) \
	X(corruption_of_a_read_only_pool_changes_nothing)
