/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_journal suite. */
#define TBK_JOURNAL_CASES(X)                                             \
	X(journal_flush_with_changes_is_one_write)                       \
	X(journal_flush_without_changes_flushes_the_device)              \
	X(journal_flush_without_cache_is_nothing)                        \
	X(journal_flushed_changes_come_back)                             \
	X(journal_replayed_twice_is_the_same)                            \
	X(journal_of_a_read_only_pool_is_seen)                           \
	X(journal_brings_back_discards)                                  \
	X(journal_brings_back_writes_to_a_clone)                         \
	X(journal_takes_a_thousand_changes_in_one_flush)                 \
	X(journal_log_that_overflows_waits_for_a_checkpoint)             \
	X(journal_goes_round)                                            \
	X(journal_with_a_gap_is_refused)                                 \
	X(journal_cut_at_its_end_is_not)                                 \
	X(journal_with_a_bad_sector_at_its_end_ends_there)               \
	X(journal_with_a_bad_sector_in_the_middle_is_refused_and_mended) \
	X(journal_that_cannot_be_written_fails_the_flush)                \
	X(journal_is_sound_to_a_check_before_it_is_replayed)             \
	X(journal_that_maps_a_block_in_use_is_refused)                   \
	X(journal_of_no_volume_is_refused)                               \
	X(journal_past_the_end_of_a_volume_is_refused)                   \
	X(flush_that_comes_during_a_checkpoint_covers_writes_in_place)   \
	X(journal_flush_covers_a_map_that_is_just_being_changed)
