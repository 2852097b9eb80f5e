/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_squeeze suite. */
#define TBK_GUEST_SQUEEZE_CASES(X)                  \
	X(squeezed_ring_gives_what_it_does_not_use) \
	X(squeezed_ring_keeps_what_it_uses)         \
	X(requests_wait_while_pages_are_given_away) \
	X(relaxed_ring_takes_back_what_there_is)    \
	X(ring_that_closes_squeezed_leaves_nothing) \
	X(random_squeezes_never_get_stuck)
