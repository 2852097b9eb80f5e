/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_merge suite, for whoever runs it. */
#define TBK_MERGE_CASES(X)                                       \
	X(remove_middle_of_chain_gives_back_what_nobody_reaches) \
	X(remove_first_of_chain_leaves_its_blocks_to_the_next)   \
	X(merge_with_two_children_waits)                         \
	X(merge_begins_when_the_pool_is_opened)                  \
	X(merge_of_many_clones_leaves_the_last_one_all)          \
	X(merge_goes_on_while_a_guest_writes)                    \
	X(merge_goes_on_into_a_snapshot_taken_meanwhile)         \
	X(merge_ends_before_the_child_is_freed)                  \
	X(chain_of_100_removed_in_any_order_gives_back_every_block)
