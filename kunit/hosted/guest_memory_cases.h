/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_memory suite. */
#define TBK_GUEST_MEMORY_CASES(X)                     \
	X(random_takers_stay_below_the_bound)         \
	X(disks_of_a_guest_share_what_it_may_take)    \
	X(disk_for_which_nothing_is_left_is_refused)  \
	X(what_a_disk_took_comes_back_when_it_closes) \
	X(failed_connection_takes_nothing)
