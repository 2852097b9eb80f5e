// SPDX-License-Identifier: GPL-2.0
/* Several rings, of several pages; and what a hostile frontend says of them. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

TBK_TEST(queues_serve_one_disk)
{
	RingRig rig;

	REQUIRE(rig.connect({ .queues = 4, .order = 4 }));
	for (u32 queue = 0; queue < 4; queue++)
		CHECK_EQ(rig.write(u64{ queue } * 8, static_cast<u8>(queue + 1), queue), 0);
	for (u32 queue = 0; queue < 4; queue++)
		CHECK_EQ(rig.read(u64{ 3 - queue } * 8, queue), static_cast<int>(4 - queue));
	CHECK_EQ(rig.guest.pages_mapped(), 4u * 16);

	struct tbk_vbd_stats stats = {};
	tbk_vbd_read_stats(rig.guest.vbd(), &stats);
	CHECK_EQ(stats.writes, 4u);
	CHECK_EQ(stats.sectors_read, 32u);
	CHECK(rig.close());
}

namespace {

/* Fills the ring while nothing is answered, then takes all answers. */
void check_full_ring(struct kunit *test, const GuestLayout &layout, xen::Abi abi)
{
	RingRig rig;
	u64 ids = 0;

	REQUIRE(rig.connect(layout, abi));
	REQUIRE_EQ(rig.guest.slots(), 32u << layout.order);
	hosted_sleep_ms(1);
	rig.device.hold();
	/* Twice round, so that each slot is come to again. */
	for (u32 round = 0; round < 2; round++) {
		for (u32 i = 0; i < rig.guest.slots(); i++)
			REQUIRE(rig.guest.put(
				{ xen::op_read, ids++, i, { rig.guest.grant() }, 0, 7 }));
		CHECK(!rig.guest.put({}));
		rig.guest.kick();
		hosted_sleep_ms(1);
		rig.device.let_go();
		REQUIRE(rig.take_all(rig.guest.slots()));
	}
	CHECK(rig.close());
}

} // namespace

TBK_TEST(rings_of_every_order_take_all_they_hold)
{
	for (u32 order = 0; order <= 4; order++) {
		check_full_ring(test, { .queues = 1, .order = order }, xen::Abi::x86_64);
		check_full_ring(test, { .queues = 1, .order = order }, xen::Abi::x86_32);
	}
}

TBK_TEST(ring_of_order_0_is_found_by_either_key)
{
	RingRig rig;

	REQUIRE(rig.connect({ .is_numbered = true }));
	CHECK(rig.guest.frontend.count("ring-ref0") == 1);
	CHECK_EQ(rig.write(0, 1), 0);
	REQUIRE(rig.close());
	/* ring-ref0 is still there, of the ring before. */
	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.read(0), 1);
}

namespace {

/* Reads of eleven pages each, as many as the ring takes. */
void put_large_reads(Guest &guest)
{
	for (u64 id = 0; id < guest.slots(); id++) {
		GuestIo io = { xen::op_read, id, 0, {}, 0, 7 };

		for (u32 i = 0; i < xen::max_segments; i++)
			io.grants.push_back(guest.grant());
		guest.put(io);
	}
	guest.kick();
}

} // namespace

TBK_TEST(request_waits_while_pages_are_few)
{
	RingRig rig;
	struct tbk_vbd_stats stats = {};

	rig.guest.limits.pages = 512;
	REQUIRE(rig.connect_and_hold({ .queues = 1, .order = 2 }));
	put_large_reads(rig.guest);
	hosted_sleep_ms(10);
	/* 46 requests of 11 pages, and the ring. */
	CHECK_EQ(rig.guest.pages_mapped(), 46u * 11 + 4);
	CHECK_EQ(rig.device.in_flight(), 46u);
	tbk_vbd_read_stats(rig.guest.vbd(), &stats);
	CHECK(stats.out_of_requests > 0);
	CHECK_EQ(stats.reads, 46u);
	rig.device.let_go();
	REQUIRE(rig.take_all(rig.guest.slots()));
	CHECK_EQ(rig.guest.pages_mapped(), 4u);
}

TBK_TEST(waiting_request_is_left_to_the_next)
{
	RingRig rig;

	rig.guest.limits.pages = 512;
	REQUIRE(rig.connect_and_hold({ .queues = 1, .order = 2 }));
	put_large_reads(rig.guest);
	hosted_sleep_ms(10);
	rig.leave_while_held();
	CHECK_EQ(rig.guest.pages_mapped(), 0u);
	/* What was taken is answered, what was not is as it was. */
	const u32 answered = rig.guest.ring().rsp_prod;
	CHECK(answered >= 46 && answered < rig.guest.slots());
	const auto *next = rig.guest.ring_slot(answered);
	CHECK_EQ(reinterpret_cast<const xen::WireReadWrite *>(next)->id, answered);
}

TBK_TEST(limits_without_sense_are_brought_in_bounds)
{
	RingRig rig;

	struct tbk_xen_limits &limits = rig.guest.limits;

	limits.queues = 4096;
	limits.ring_order = 31;
	limits.pages = 0;
	CHECK(rig.guest.wait_for(State::init_wait));
	CHECK_EQ(rig.guest.backend["multi-queue-max-queues"], 64u);
	CHECK_EQ(rig.guest.backend["max-ring-page-order"], 4u);
	REQUIRE(rig.connect({ .queues = 64 }));
	CHECK_EQ(rig.write(0, 1, 63), 0);
	REQUIRE(rig.close());
	limits.queues = limits.ring_order = 0;
	limits.pages = ~0u;
	REQUIRE(rig.close());
	CHECK_EQ(rig.guest.backend["multi-queue-max-queues"], 1u);
	CHECK_EQ(rig.guest.backend["max-ring-page-order"], 0u);
}

TBK_TEST(offer_holds_until_the_next_connection)
{
	RingRig rig;

	CHECK(rig.guest.wait_for(State::init_wait));
	rig.guest.limits.queues = 1;
	rig.guest.limits.ring_order = 0;
	CHECK(rig.connect({ .queues = 4, .order = 4 }));
	CHECK_EQ(rig.guest.backend["multi-queue-max-queues"], 4u);
	REQUIRE(rig.close());
	CHECK_EQ(rig.guest.backend["multi-queue-max-queues"], 1u);
	CHECK(!rig.connect({ .queues = 4, .order = 4 }));
}

TBK_TEST(hostile_keys_leave_nothing_mapped)
{
	constexpr struct {
		const char *key;
		const char *value;
	} hostile[] = {
		{ "multi-queue-num-queues", "0" },
		{ "multi-queue-num-queues", "5" },
		{ "multi-queue-num-queues", "4294967295" },
		{ "multi-queue-num-queues", "3x" }, /* is one, which has no keys */
		{ "ring-page-order", "5" },
		{ "ring-page-order", "4294967295" },
		{ "ring-page-order", "2" }, /* more pages than there are keys */
		{ "ring-page-order", "" },  /* one page, which has no key */
		{ "queue-0/ring-ref0", "" },
		{ "queue-2/ring-ref1", "-1" },
		{ "queue-2/ring-ref1", "4294967295" }, /* no such page */
		{ "queue-2/ring-ref1", "18446744073709551617" },
		{ "queue-2/event-channel", "seven" },
		{ "protocol",
		  "x86_64-abi-and-a-lot-more-than-there-is-room-for-in-any-buffer-of-ours" },
	};
	RingRig rig;

	for (const auto &one : hostile) {
		REQUIRE(rig.guest.wait_for(State::init_wait));
		rig.guest.connect(xen::Abi::x86_64, State::init_wait, { .queues = 3, .order = 1 });
		rig.guest.frontend[one.key] = one.value;
		rig.guest.go(State::initialised);
		CHECK(rig.guest.wait_for(State::closing));
		CHECK(!rig.guest.error().empty());
		CHECK_EQ(rig.guest.pages_mapped(), 0u);
		rig.guest.frontend.clear();
		REQUIRE(rig.close());
	}
	CHECK(rig.connect({ .queues = 3, .order = 1 }));
}

TBK_TEST(ring_that_cannot_start_takes_all_down)
{
	RingRig rig;

	CHECK(rig.guest.wait_for(State::init_wait));
	rig.guest.connect(xen::Abi::x86_64, State::init_wait, { .queues = 3 });
	rig.guest.fail_start(3);
	rig.device.hold();
	rig.guest.put({ xen::op_read, 1, 0, { rig.guest.grant() }, 0, 7 });
	rig.guest.go(State::initialised);
	CHECK(rig.guest.wait_for(State::closing));
	hosted_sleep_ms(10);
	rig.device.let_go();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.guest.pages_mapped(), 0u);
	REQUIRE(rig.close());
	CHECK(rig.connect({ .queues = 3 }));
}

TBK_TEST(failing_flush_stops_all_queues)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({ .queues = 2 }));
	CHECK_EQ(rig.write(0, 1, 0), 0);
	CHECK_EQ(rig.write(8, 1, 1), 0);
	rig.device.fail_flush(1);
	rig.guest.put({ xen::op_flush, 1, 0, {}, 0, 7 });
	rig.guest.kick();
	CHECK(rig.guest.wait_for(State::closing));
	/* The flush of the other could not vouch for what this one lost. */
	rig.guest.put({ xen::op_flush, 2, 0, {}, 0, 7 }, 1);
	rig.guest.kick(1);
	CHECK(!rig.guest.take(reply, 1));
	CHECK(!rig.guest.has_response());
	CHECK(rig.close());
}

TBK_TEST(close_waits_for_all_queues)
{
	RingRig rig;

	REQUIRE(rig.connect({ .queues = 3, .order = 1 }));
	rig.device.hold();
	rig.guest.put({ xen::op_write, 1, 0, { rig.guest.grant() }, 0, 7 }, 2);
	rig.guest.kick(2);
	hosted_sleep_ms(1);
	rig.guest.go(State::closed);
	hosted_sleep_ms(1000);
	CHECK(rig.guest.state() == State::connected);
	rig.device.let_go();
	CHECK(rig.guest.wait_for(State::closed));
	CHECK_EQ(rig.guest.pages_mapped(), 0u);
	CHECK(rig.guest.has_response(2));
}
