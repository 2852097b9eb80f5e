/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_held suite. */
#define TBK_GUEST_HELD_CASES(X) X(ring_that_closes_is_not_tried_again)
