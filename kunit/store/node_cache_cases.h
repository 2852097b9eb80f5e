/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_node_cache suite, for whoever runs it. */
#define TBK_NODE_CACHE_CASES(X)                           \
	X(cache_get_reads_node_once)                      \
	X(cache_get_refuses_what_the_parent_did_not_mean) \
	X(cache_get_refuses_it_from_memory_as_well)       \
	X(cache_get_reports_io_error_and_tries_again)     \
	X(cache_get_reads_the_copy_and_heals)             \
	X(cache_get_of_a_read_only_pool_heals_nothing)    \
	X(cache_get_refuses_two_bad_copies)               \
	X(cache_find_knows_only_what_was_read)            \
	X(cache_shrink_spares_pinned_and_dirty_nodes)     \
	X(cache_shrink_takes_unused_nodes_first)          \
	X(cache_get_keeps_to_the_limit)                   \
	X(cache_dropped_node_lives_until_unpinned)        \
	X(cache_block_has_a_new_node_after_drop)          \
	X(cache_prepared_node_can_be_discarded)           \
	X(cache_holds_many_nodes_in_few_buckets)
