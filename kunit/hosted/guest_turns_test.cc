// SPDX-License-Identifier: GPL-2.0
/* Guests that never let go of a ring's thread, or of its collector; and their neighbours. */
#include <deque>

#include "../harness/check.h"
#include "greedy.h"

using namespace thinback;

namespace {

constexpr u32 slots = 512;
/* In pages, and one for each request. */
constexpr u64 turn = 512;
/* Others come to theirs, in whatever order the scheduler likes, after so many at the most. */
constexpr u64 turns_at_most = 16;

/* A request of the greedy's costs @cost; its neighbour has one. */
void check_neighbour(struct kunit *test, u8 operation, u64 cost)
{
	constexpr u64 most = 40'000;
	Greedy greedy({ operation, 1, 0, {}, 0, 7 }, most);
	RingRig neighbour(immediate_device());
	u64 before = 0, turns = 0;
	GuestReply reply = {};

	greedy.wish().grants = { greedy.rig.guest.grant() };
	REQUIRE(greedy.start());
	REQUIRE(neighbour.connect({}));
	hosted_sleep_ms(1);
	turns = greedy.rig.guest.turns();
	neighbour.guest.on_event([&] {
		before = greedy.all();
		turns = greedy.rig.guest.turns() - turns;
	});
	neighbour.guest.put({ xen::op_read, 1, 0, { neighbour.guest.grant() }, 0, 7 });
	greedy.kick();
	neighbour.guest.kick();
	REQUIRE(neighbour.guest.take(reply));
	CHECK_EQ(reply.status, 0);
	CHECK(turns <= turns_at_most);
	CHECK(before <= turns * (turn / cost));
	/* Nothing is lost when it comes to an end. */
	hosted_sleep_ms(1000);
	CHECK(greedy.all() >= most);
	CHECK_EQ(greedy.rig.guest.ring().rsp_prod, greedy.rig.guest.ring().req_prod);
}

} // namespace

/* An operation that there is not: refused without a page being mapped. */
TBK_TEST(ring_full_of_rubbish_does_not_starve_another)
{
	check_neighbour(test, 77, 1);
}

TBK_TEST(ring_full_of_reads_does_not_starve_another)
{
	check_neighbour(test, xen::op_read, 2);
}

namespace {

/* As many of @pages as go on the ring, while nothing is answered. */
void put_reads(Guest &guest, u32 pages)
{
	for (u64 id = 0; id < guest.slots(); id++) {
		GuestIo io = { xen::op_read, id, 0, {}, 0, 7 };

		for (u32 i = 0; i < pages; i++)
			io.grants.push_back(guest.grant());
		guest.put(io);
	}
	guest.kick();
}

} // namespace

TBK_TEST(large_requests_cost_more_of_a_turn)
{
	RingRig rig;
	RingRig other(immediate_device());
	u64 before = 0, turns = 0;

	REQUIRE(rig.connect({ .queues = 1, .order = 4 }));
	REQUIRE(other.connect({}));
	hosted_sleep_ms(1);
	rig.device.hold();
	turns = rig.guest.turns();
	other.guest.on_event([&] {
		before = rig.device.in_flight();
		turns = rig.guest.turns() - turns;
	});
	put_reads(rig.guest, xen::max_segments);
	CHECK_EQ(other.read(0), 0);
	/* The last one may go beyond it. What pages there are would do for twice as many. */
	CHECK(before <= turns * (turn / (1 + xen::max_segments) + 1));
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 1024 / xen::max_segments);
	rig.device.let_go();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.guest.ring().rsp_prod, slots);
}

TBK_TEST(turn_that_ends_loses_no_request)
{
	RingRig rig;
	GuestReply reply = {};

	/* Pages for all: nobody is woken by answers. */
	rig.guest.limits.pages = 16384;
	REQUIRE(rig.connect({ .queues = 1, .order = 4 }));
	hosted_sleep_ms(1);
	rig.device.hold();
	put_reads(rig.guest, xen::max_segments);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), slots);
	rig.device.let_go();
	for (u32 i = 0; i < slots; i++) {
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.status, 0);
	}
	CHECK_EQ(rig.read(0), 0);
}

namespace {

/* Answers a request when the guest has heard of the one before. */
struct OneByOne : tbk_device {
	OneByOne() : tbk_device{} { ops = &calls; }

	void answer()
	{
		if (waiting.empty())
			return;
		struct tbk_io *const io = waiting.front();

		waiting.pop_front();
		io->error = 0;
		io->done(io);
	}

	static void submit(struct tbk_device *device, struct tbk_io *io)
	{
		static_cast<OneByOne *>(device)->waiting.push_back(io);
	}

	static void tell(struct tbk_device *, struct tbk_device_info *info)
	{
		*info = {};
		info->bytes = 1 << 20;
		info->logical_block = info->physical_block = 512;
	}

	static constexpr struct tbk_device_ops calls = { submit, tell };
	std::deque<struct tbk_io *> waiting;
};

} // namespace

TBK_TEST(answers_to_one_ring_do_not_hold_up_anothers)
{
	OneByOne slow;
	struct tbk_vbd_target target = {};
	target.device = &slow;
	Guest greedy(target);
	RingRig neighbour;
	GuestReply reply = {};
	u32 answered = 0, before = 0;

	greedy.on_event([&] {
		while (greedy.has_response() && greedy.take(reply))
			answered++;
		slow.answer();
	});
	greedy.connect(xen::Abi::x86_64, xen::State::initialised, { .queues = 1, .order = 4 });
	REQUIRE(greedy.wait_for(xen::State::connected));
	REQUIRE(neighbour.connect({}));
	hosted_sleep_ms(1);
	put_reads(greedy, 1);
	neighbour.device.hold();
	neighbour.guest.put({ xen::op_read, 1, 0, { neighbour.guest.grant() }, 0, 7 });
	neighbour.guest.kick();
	hosted_sleep_ms(10);
	REQUIRE_EQ(slow.waiting.size(), slots);

	neighbour.guest.on_event([&] { before = answered; });
	slow.answer();
	neighbour.device.let_go();
	hosted_sleep_ms(100);
	CHECK(neighbour.guest.has_response());
	CHECK(before <= slots * 3 / 4);
	CHECK_EQ(answered, slots);
}
