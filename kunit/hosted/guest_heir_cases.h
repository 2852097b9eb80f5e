/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_heir suite. */
#define TBK_GUEST_HEIR_CASES(X)                           \
	X(heir_waits_until_the_driver_before_is_done)     \
	X(heir_leaves_while_it_waits)                     \
	X(channel_of_nobody_closes_a_disk_without_heir)   \
	X(heir_keeps_pages_only_if_the_frontend_knows)    \
	X(heir_takes_rings_that_are_not_offered_any_more) \
	X(heir_that_fails_leaves_the_state)               \
	X(guest_that_moves_ends_the_heritage)
