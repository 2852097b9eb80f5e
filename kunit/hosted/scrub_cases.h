/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_scrub suite. */
#define TBK_SCRUB_CASES(X)                             \
	X(scrub_finds_nothing_in_a_sound_pool)         \
	X(scrub_heals_first_copy_of_a_branch)          \
	X(scrub_heals_second_copy_of_a_branch)         \
	X(scrub_heals_copies_of_the_catalog)           \
	X(scrub_heals_copies_of_the_superblock)        \
	X(scrub_tells_of_a_leaf_that_is_lost)          \
	X(scrub_tells_of_a_branch_that_is_lost)        \
	X(scrub_reads_again_what_could_not_be_read)    \
	X(scrub_survives_a_device_that_cannot_be_read) \
	X(scrub_writes_nothing_to_a_pool_that_is_read) \
	X(scrub_goes_by_the_tree_as_it_is_then)        \
	X(scrub_finds_nothing_under_load)              \
	X(scrub_heals_under_load)                      \
	X(scrub_stops_when_told)                       \
	X(scrub_keeps_to_its_rate)                     \
	X(scrub_ends_when_the_pool_is_closed)
