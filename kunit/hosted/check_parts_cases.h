/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_check_parts suite. */
#define TBK_CHECK_PARTS_CASES(X)               \
	X(check_in_parts_finds_what_one_finds) \
	X(check_in_parts_takes_less_memory)    \
	X(check_forgets_snapshots_that_nobody_shares_any_more)
