/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_grow_crash suite. */
#define TBK_GROW_CRASH_CASES(X)                   \
	X(grow_survives_power_cut_within_a_group) \
	X(grow_survives_power_cut_across_groups)
