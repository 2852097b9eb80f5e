/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_merger suite, for whoever runs it. */
#define TBK_MERGER_CASES(X)                            \
	X(merger_of_untouched_child_is_one_step)       \
	X(merger_of_child_without_anything_frees_all)  \
	X(merger_frees_what_the_child_does_not_reach)  \
	X(merger_keeps_what_an_older_snapshot_has)     \
	X(merger_frees_a_block_discarded_behind_once)  \
	X(merger_frees_a_node_changed_behind_once)     \
	X(merger_leaves_a_block_discarded_ahead)       \
	X(merger_splits_at_a_block_inside_an_extent)   \
	X(merger_stops_inside_a_leaf_with_many_holes)  \
	X(merger_survives_reopen_at_each_step)         \
	X(merger_goes_on_while_the_child_changes)      \
	X(merger_is_taken_over_by_a_snapshot_of_child) \
	X(merger_changes_nothing_when_a_read_fails)
