/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_space suite, for whoever runs it. */
#define TBK_SPACE_CASES(X)                                    \
	X(space_new_pool_has_all_but_fixed_blocks)            \
	X(space_last_group_too_small_for_its_bitmaps_is_left) \
	X(space_is_sound_refuses_fixed_blocks_and_beyond)     \
	X(space_take_keeps_back_a_slice_for_metadata)         \
	X(space_take_prefers_goal)                            \
	X(space_take_goes_on_beside_goal_that_is_taken)       \
	X(space_take_would_block_when_bitmaps_are_unread)     \
	X(space_homes_do_not_share_a_group)                   \
	X(space_take_moves_on_when_home_is_full)              \
	X(space_take_goes_elsewhere_when_bitmaps_are_bad)     \
	X(space_given_back_can_be_taken_at_once)              \
	X(space_freed_data_waits_for_durable_and_reclaim)     \
	X(space_freed_node_waits_for_durable_only)            \
	X(space_freed_in_next_epoch_waits_for_that)           \
	X(space_freed_run_count_outgrows_a_page)              \
	X(space_write_then_open_finds_the_same)               \
	X(space_write_leaves_next_epoch_out)                  \
	X(space_write_without_changes_writes_nothing)         \
	X(space_write_goes_to_the_other_slot)                 \
	X(space_write_says_which_blocks_a_bitmap_covers)      \
	X(space_write_reports_io_error)                       \
	X(space_grown_within_a_group_waits_for_its_epoch)     \
	X(space_grown_by_groups_waits_for_its_epoch)          \
	X(space_last_group_too_small_for_its_bitmaps_grows)   \
	X(space_that_has_another_size_does_not_grow)          \
	X(space_lost_write_of_bitmap_is_noticed)              \
	X(space_lost_write_of_summary_is_noticed)             \
	X(space_damaged_bitmap_is_noticed)                    \
	X(space_copy_lies_in_another_group)                   \
	X(space_copy_keeps_away_where_there_is_one_group)     \
	X(space_copies_leave_the_rest_to_nodes)               \
	X(space_copy_is_freed_with_its_node)                  \
	X(space_agrees_with_plain_array)
