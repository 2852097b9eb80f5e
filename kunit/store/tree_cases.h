/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_tree suite, for whoever runs it. */
#define TBK_TREE_CASES(X)                                   \
	X(tree_open_of_empty_tree_finds_nothing)            \
	X(tree_first_record_makes_a_root)                   \
	X(tree_last_record_removed_leaves_an_empty_tree)    \
	X(tree_root_left_over_covers_all_keys)              \
	X(tree_branch_that_takes_over_a_range_begins_there) \
	X(tree_left_with_one_leaf_has_no_branches)          \
	X(tree_grows_and_shrinks_to_nothing)                \
	X(tree_appended_to_has_full_leaves)                 \
	X(tree_grows_four_high)                             \
	X(tree_of_a_snapshot_never_changes)                 \
	X(tree_survives_reopening)                          \
	X(tree_failed_open_changes_nothing)                 \
	X(tree_checkpoint_writes_only_new_nodes)            \
	X(tree_agrees_with_plain_array)
