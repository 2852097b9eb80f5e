/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_list suite, for whoever runs it. */
#define TBK_LIST_CASES(X)                      \
	X(list_keeps_order_of_pushes)          \
	X(list_pops_front_until_empty)         \
	X(list_removes_from_middle)            \
	X(list_inserts_before)                 \
	X(list_survives_removal_while_walking) \
	X(splice_moves_all_behind)             \
	X(splice_of_empty_changes_nothing)     \
	X(object_can_be_in_two_lists)
