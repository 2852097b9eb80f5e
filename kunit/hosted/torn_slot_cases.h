/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_torn_slot suite. */
#define TBK_TORN_SLOT_CASES(X) X(torn_superblock_is_not_made_whole_by_the_next_power_cut)
