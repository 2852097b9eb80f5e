// SPDX-License-Identifier: GPL-2.0
/*
 * Events of a guest. Xen lets one that sends them for nothing wait longer each
 * time, up to a second: so those of requests must not count as such, and no
 * other must come while the requests of one are not taken.
 */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr int error = -1;

/* A write that is held, and a barrier behind it; each with its event. */
void put_held_pair(RingRig &rig, u64 id)
{
	rig.device.hold();
	rig.guest.put({ xen::op_write, id, 0, { rig.guest.grant() }, 0, 7 });
	rig.guest.kick();
	hosted_sleep_ms(1);
	rig.guest.put({ xen::op_barrier, id + 1, 0, {}, 0, 7 });
	rig.guest.kick();
	hosted_sleep_ms(1);
}

} // namespace

TBK_TEST(event_of_what_waits_is_not_for_nothing)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	const u32 for_nothing = rig.guest.events_for_nothing();
	for (u64 id = 0; id < 20; id += 2) {
		const u32 delivered = rig.guest.events_delivered();

		put_held_pair(rig, id);
		CHECK_EQ(rig.guest.events_delivered(), delivered + 2);
		CHECK_EQ(rig.device.in_flight(), 1u);
		rig.device.let_go();
		REQUIRE(rig.guest.take(reply));
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.id, id + 1);
	}
	CHECK_EQ(rig.guest.events_for_nothing(), for_nothing);
}

TBK_TEST(storm_meets_an_event_that_has_not_ended)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	put_held_pair(rig, 0);
	const u32 delivered = rig.guest.events_delivered();

	for (u32 i = 0; i < 100; i++) {
		rig.guest.send_event();
		hosted_sleep_ms(1);
	}
	CHECK_EQ(rig.guest.events_delivered(), delivered);
	rig.device.let_go();
	REQUIRE(rig.guest.take(reply));
	REQUIRE(rig.guest.take(reply));
	hosted_sleep_ms(1);
	CHECK_EQ(rig.guest.events_delivered(), delivered + 1);
	CHECK_EQ(rig.write(0, 1), 0);
}

TBK_TEST(event_without_a_request_is_for_nothing)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	const u32 for_nothing = rig.guest.events_for_nothing();

	for (u32 i = 0; i < 10; i++) {
		rig.guest.send_event();
		hosted_sleep_ms(1);
	}
	CHECK_EQ(rig.guest.events_for_nothing(), for_nothing + 10);
	CHECK_EQ(rig.write(0, 1), 0);
	CHECK_EQ(rig.guest.events_for_nothing(), for_nothing + 10);
}

TBK_TEST(failing_reads_and_discards_are_errors)
{
	RingRig rig;
	GuestIo discard = { xen::op_discard, 1, 0, {}, 0, 7 };

	discard.discarded = 8;
	REQUIRE(rig.connect({}));
	rig.device.fail_read(1);
	CHECK_EQ(rig.read(0), -1);
	CHECK_EQ(rig.read(0), 0);
	rig.device.fail_discard(1);
	CHECK_EQ(rig.ask(discard), error);
	CHECK_EQ(rig.ask(discard), 0);
	CHECK(rig.guest.state() == State::connected);
}
