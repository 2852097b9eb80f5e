/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_check_catalog suite, for whoever runs it. */
#define TBK_CHECK_CATALOG_CASES(X)                           \
	X(check_catalog_finds_name_that_is_none)             \
	X(check_catalog_finds_two_of_a_name)                 \
	X(check_catalog_finds_snapshot_without_its_volume)   \
	X(check_catalog_finds_parent_that_is_not_there)      \
	X(check_catalog_finds_parent_that_is_no_snapshot)    \
	X(check_catalog_finds_since_without_a_parent)        \
	X(check_catalog_finds_since_that_is_not_the_parents) \
	X(check_catalog_finds_parents_in_a_circle)           \
	X(check_catalog_finds_generation_yet_to_come)        \
	X(check_catalog_finds_id_yet_to_be_given)            \
	X(check_catalog_finds_unknown_flags)                 \
	X(check_catalog_finds_hidden_without_children)       \
	X(check_catalog_finds_removing_with_children)        \
	X(check_catalog_finds_size_of_nothing)               \
	X(check_catalog_finds_limits_that_are_none)          \
	X(check_catalog_finds_unknown_policy)                \
	X(check_catalog_finds_limits_of_a_snapshot)
