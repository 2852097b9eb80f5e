// SPDX-License-Identifier: GPL-2.0
/* Pages that somebody in dom0 still refers to when their requests are done. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

/* Requests that end one by one are each tried again later; the first time may be enough for all. */
TBK_TEST(ring_that_closes_is_not_tried_again)
{
	constexpr u32 requests = 8;

	for (u32 round = 0; round < 20; round++) {
		RingRig rig;
		Guest &guest = rig.guest;
		u32 pages[requests];

		REQUIRE(rig.connect({}));
		for (u32 i = 0; i < requests; i++) {
			pages[i] = guest.grant();
			guest.hold(pages[i], true);
			guest.put({ xen::op_write, i, 8 * i, { pages[i] }, 0, 7 });
		}
		guest.kick();
		hosted_sleep_ms(2);
		guest.go(State::closed);
		hosted_sleep_ms(1);
		CHECK_EQ(guest.pages_mapped(), 1 + requests);
		for (const u32 page : pages)
			guest.hold(page, false);
		CHECK(guest.wait_for(State::closed));
		CHECK_EQ(guest.pages_mapped(), 0u);
	}
}
