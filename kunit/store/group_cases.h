/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_group suite, for whoever runs it. */
#define TBK_GROUP_CASES(X)                                    \
	X(group_fixed_blocks_are_taken_in_first_group)        \
	X(group_fixed_blocks_are_taken_past_end_of_pool)      \
	X(group_loaded_bitmap_decides_what_is_live)           \
	X(group_take_at_stops_at_taken_block)                 \
	X(group_take_at_stops_at_end_of_group)                \
	X(group_take_aligned_keeps_offset_in_slot)            \
	X(group_take_aligned_leaves_neighbourhoods_alone)     \
	X(group_take_aligned_spans_slots)                     \
	X(group_take_aligned_gives_less_when_slots_are_few)   \
	X(group_take_aligned_comes_round_to_slots_given_back) \
	X(group_take_aligned_apart_begins_a_stretch)          \
	X(group_take_aligned_refuses_without_a_free_slot)     \
	X(group_take_any_finds_the_last_block)                \
	X(group_take_any_gives_up_when_full)                  \
	X(group_free_slots_agree_with_plain_array)            \
	X(group_epoch_unchanged_has_nothing_to_write)         \
	X(group_change_of_next_epoch_stays_out_of_this)       \
	X(group_late_change_shows_in_both_epochs)             \
	X(group_late_change_shows_after_quiet_epochs)         \
	X(group_changed_names_each_bitmap_touched)            \
	X(group_copy_bitmap_sets_bits_past_the_group)         \
	X(group_epochs_agree_with_plain_arrays)
