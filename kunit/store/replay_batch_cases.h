/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_replay_batch suite, for whoever runs it. */
#define TBK_REPLAY_BATCH_CASES(X)                    \
	X(replay_batch_is_in_the_order_of_trees)     \
	X(replay_batch_overlapping_changes_stay_put) \
	X(replay_batch_ends_where_time_would)
