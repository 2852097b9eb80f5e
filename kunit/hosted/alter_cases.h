/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_alter suite. */
#define TBK_ALTER_CASES(X)                                \
	X(rename_takes_snapshots_along)                   \
	X(rename_to_a_name_that_exists_is_refused)        \
	X(rename_of_what_is_open_is_refused)              \
	X(rename_is_there_after_a_crash)                  \
	X(rollback_brings_back_content_and_size)          \
	X(rollback_gives_back_what_came_after)            \
	X(rollback_keeps_what_was_as_a_snapshot)          \
	X(rollback_is_sealed_for_a_clone_at_once)         \
	X(rollback_of_what_is_open_is_refused)            \
	X(rollback_to_an_early_snapshot_keeps_later_ones) \
	X(resize_grows_while_open)                        \
	X(resize_is_no_trap_for_what_a_flush_wrote)       \
	X(resize_does_not_shrink_unasked)                 \
	X(resize_cuts_off_for_good)                       \
	X(resize_of_a_clone_hides_what_its_parent_has)    \
	X(resize_and_journal_agree_after_a_crash)         \
	X(resize_cuts_off_a_write_that_waits_for_it)      \
	X(resize_cuts_off_a_write_that_is_about_to_begin) \
	X(resize_that_cannot_read_the_map_cuts_nothing_off)
