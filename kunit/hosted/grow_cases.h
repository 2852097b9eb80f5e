/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_grow suite. */
#define TBK_GROW_CASES(X)                               \
	X(grow_makes_what_a_new_pool_would_be)          \
	X(grow_lets_writes_go_on_that_waited)           \
	X(grow_by_nothing_changes_nothing)              \
	X(grow_twice_at_once_is_grown_once)             \
	X(grow_is_refused_on_a_device_that_shrank)      \
	X(grow_is_refused_beyond_the_largest_pool)      \
	X(grow_is_refused_where_nothing_may_be_written) \
	X(grow_that_cannot_be_written_is_none)
