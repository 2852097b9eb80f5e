/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_repair suite, for whoever runs it. */
#define TBK_REPAIR_CASES(X)                                  \
	X(repair_writes_nothing_to_a_sound_pool)             \
	X(repair_refuses_what_is_no_pool)                    \
	X(repair_mends_leak)                                 \
	X(repair_mends_blocks_marked_free)                   \
	X(repair_mends_bitmap_and_summary)                   \
	X(repair_mends_counts_of_free_blocks)                \
	X(repair_mends_counters_of_volume)                   \
	X(repair_mends_copies_of_superblock)                 \
	X(repair_mends_copies_of_nodes)                      \
	X(repair_leaves_what_it_cannot_mend)                 \
	X(repair_frees_nothing_beside_a_node_that_is_lost)   \
	X(repair_that_cannot_write_is_begun_again)           \
	X(repair_gives_up_a_lost_leaf)                       \
	X(repair_makes_nothing_up_around_part_of_a_block)    \
	X(repair_gives_up_any_node)                          \
	X(repair_keeps_what_others_inherited_of_a_lost_leaf) \
	X(repair_drops_snapshot_for_its_only_child)          \
	X(repair_finds_pool_without_superblocks)             \
	X(repair_makes_superblock_as_it_was)                 \
	X(repair_takes_name_from_a_damaged_copy)             \
	X(repair_takes_no_catalog_that_was_overtaken)        \
	X(repair_without_superblocks_is_begun_again)
