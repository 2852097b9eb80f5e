/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_scrub_space suite. */
#define TBK_SCRUB_SPACE_CASES(X)                                  \
	X(scrub_heals_bitmaps_and_summaries)                      \
	X(scrub_heals_what_is_bad_in_both_slots)                  \
	X(scrub_heals_what_belongs_elsewhere)                     \
	X(scrub_heals_what_is_of_an_older_checkpoint)             \
	X(scrub_tells_of_a_bitmap_that_is_not_in_memory)          \
	X(scrub_tells_of_bits_that_are_not_those_in_memory)       \
	X(scrub_tells_what_a_pool_that_is_read_cannot_heal)       \
	X(scrub_has_a_checkpoint_take_the_place_of_a_bad_journal) \
	X(scrub_tells_a_block_of_the_journal_from_an_older_one)   \
	X(scrub_takes_nothing_for_bad_that_is_written_meanwhile)  \
	X(scrub_knows_how_much_there_is)                          \
	X(scrub_heals_bitmaps_and_summaries_under_load)
