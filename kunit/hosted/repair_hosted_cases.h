/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_repair_hosted suite. */
#define TBK_REPAIR_HOSTED_CASES(X)                         \
	X(repair_ends_journal_at_a_gap)                    \
	X(repair_that_drops_leaves_room_for_zeroes)        \
	X(repair_that_comes_to_no_end_says_so)             \
	X(repair_replays_journal_into_bitmaps_made_anew)   \
	X(repair_keeps_journal_beside_a_node_that_is_lost) \
	X(repair_survives_power_cut_at_any_write)          \
	X(repair_of_any_corruption_makes_no_wrong_byte)    \
	X(repair_that_drops_makes_no_wrong_byte)           \
	X(repair_finds_pool_that_lost_all_superblocks)     \
	X(repair_without_superblocks_survives_power_cut)   \
	X(repair_that_drops_survives_power_cut)            \
	X(merge_that_meets_a_lost_node_holds_up_no_other)
