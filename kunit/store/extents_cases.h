/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_extents suite, for whoever runs it. */
#define TBK_EXTENTS_CASES(X)                                 \
	X(extents_empty_tree_is_one_hole)                    \
	X(extents_mapped_run_is_found_from_inside)           \
	X(extents_neighbours_become_one)                     \
	X(extents_neighbours_of_a_snapshot_stay_apart)       \
	X(extents_mapped_over_frees_what_was_there)          \
	X(extents_mapped_inside_splits_in_three)             \
	X(extents_mapped_over_snapshot_frees_nothing)        \
	X(extents_unmap_in_the_middle_leaves_both_ends)      \
	X(extents_unmap_of_hole_touches_nothing)             \
	X(extents_unmap_all_empties_the_tree)                \
	X(extents_map_across_leaves)                         \
	X(extents_failed_map_gives_blocks_back)              \
	X(extents_goal_continues_the_neighbour)              \
	X(extents_goal_leads_back_from_what_comes_after)     \
	X(extents_goal_keeps_away_from_snapshots)            \
	X(extents_find_would_block_when_leaf_is_not_there)   \
	X(extents_free_last_returns_every_block)             \
	X(extents_free_last_leaves_the_snapshot)             \
	X(extents_of_volume_agree_with_plain_array)          \
	X(extents_of_snapshots_and_clones_agree_with_arrays) \
	X(extents_sealed_without_room_have_no_copies)
