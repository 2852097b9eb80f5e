/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_starve suite. */
#define TBK_STARVE_CASES(X) X(discards_leave_nodes_enough_for_all_else)
