/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_check_tree suite, for whoever runs it. */
#define TBK_CHECK_TREE_CASES(X)                            \
	X(check_tree_finds_extent_past_the_end)            \
	X(check_tree_finds_extent_in_fixed_blocks)         \
	X(check_tree_finds_extent_past_the_pool)           \
	X(check_tree_finds_block_mapped_twice)             \
	X(check_tree_finds_block_marked_as_free)           \
	X(check_tree_finds_extent_younger_than_its_leaf)   \
	X(check_tree_finds_extents_that_overlap)           \
	X(check_tree_finds_inherited_extent_that_differs)  \
	X(check_tree_finds_inherited_extent_of_no_parent)  \
	X(check_tree_finds_shared_node_the_parent_has_not) \
	X(check_tree_finds_leaf_outside_its_range)         \
	X(check_tree_finds_child_that_cannot_be)           \
	X(check_tree_finds_child_of_another_generation)    \
	X(check_tree_finds_empty_leaf)                     \
	X(check_tree_finds_root_younger_than_the_pool)     \
	X(check_tree_finds_root_of_a_snapshot_too_young)   \
	X(check_tree_finds_wrong_counts)
