/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_tuning suite. */
#define TBK_TUNING_CASES(X)                                  \
	X(tuning_cache_keeps_to_its_limit_under_random_load) \
	X(tuning_cache_made_smaller_is_smaller)              \
	X(tuning_dirty_nodes_start_a_checkpoint)             \
	X(tuning_taken_journal_starts_a_checkpoint)          \
	X(tuning_what_makes_no_sense_is_refused)             \
	X(tuning_open_volume_takes_little_memory)            \
	X(tuning_idle_volume_keeps_no_nodes_ready)           \
	X(tuning_flushes_of_100_volumes_share_a_write)       \
	X(tuning_removal_keeps_to_its_rate)
