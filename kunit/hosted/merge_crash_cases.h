/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_merge_crash suite. */
#define TBK_MERGE_CRASH_CASES(X)                                \
	X(merge_survives_power_cut_at_any_time)                 \
	X(merge_survives_power_cut_while_snapshots_come_and_go) \
	X(merge_half_way_is_taken_over_by_a_snapshot)           \
	X(merge_half_way_is_ended_when_the_child_is_removed)
