// SPDX-License-Identifier: GPL-2.0
/* What rings give back when dom0 is short of memory. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;

namespace {

constexpr GuestLayout persistent = { .is_persistent = true };
constexpr u32 all = 1024 + 1056; /* of a ring, as Guest::limits has it */
constexpr u32 least = 257;

std::vector<u32> granted(Guest &guest, u32 count)
{
	std::vector<u32> grants;

	for (u32 i = 0; i < count; i++)
		grants.push_back(guest.grant());
	return grants;
}

/* @count reads of eleven pages each. */
void put_reads(Guest &guest, u32 count)
{
	for (u64 id = 0; id < count; id++)
		guest.put({ xen::op_read, id, 0, granted(guest, xen::max_segments), 0, 7 });
	guest.kick();
	hosted_sleep_ms(10);
}

} // namespace

TBK_TEST(squeezed_ring_gives_what_it_does_not_use)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	GuestIo io = { xen::op_read, 1, 0, granted(rig.guest, 5), 0, 7 };

	CHECK_EQ(rig.ask(io), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 5);
	CHECK_EQ(rig.guest.room(), all);
	rig.guest.squeeze();
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
	CHECK_EQ(rig.guest.room(), least);
	/* Meanwhile it works as one of which nothing stays mapped. */
	CHECK_EQ(rig.ask(io), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
	io.grants = granted(rig.guest, 256);
	io.is_indirect = true;
	CHECK_EQ(rig.ask(io), 0);

	CHECK(rig.guest.relax());
	CHECK_EQ(rig.guest.room(), all);
	CHECK_EQ(rig.ask(io), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 257);
	CHECK(rig.close());
}

TBK_TEST(squeezed_ring_keeps_what_it_uses)
{
	RingRig rig;

	REQUIRE(rig.connect_and_hold({ .queues = 1, .order = 2 }));
	put_reads(rig.guest, 40);
	CHECK_EQ(rig.guest.pages_mapped(), 4u + 440);
	rig.guest.squeeze();
	CHECK_EQ(rig.guest.room(), 440 + least);
	rig.device.let_go();
	REQUIRE(rig.take_all(40));
	/* What came free goes as well. */
	rig.guest.squeeze();
	CHECK_EQ(rig.guest.room(), least);
	rig.guest.squeeze();
	CHECK_EQ(rig.guest.room(), least);
	CHECK(rig.guest.relax());
	CHECK_EQ(rig.guest.room(), 1024u);
}

TBK_TEST(requests_wait_while_pages_are_given_away)
{
	RingRig rig;

	REQUIRE(rig.connect_and_hold({ .queues = 1, .order = 2 }));
	rig.guest.squeeze();
	put_reads(rig.guest, 60);
	CHECK_EQ(rig.device.in_flight(), 23u);
	/* They go on when there is room, though none was answered. */
	CHECK(rig.guest.relax());
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 60u);
	rig.device.let_go();
	CHECK(rig.take_all(60));
}

TBK_TEST(relaxed_ring_takes_back_what_there_is)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	CHECK(rig.guest.relax());
	CHECK_EQ(rig.guest.room(), all);
	rig.guest.squeeze();
	CHECK(!rig.guest.relax(0));
	CHECK_EQ(rig.guest.room(), least);
	/* Requests have theirs before pages may stay. */
	CHECK(!rig.guest.relax(1024 - least));
	CHECK_EQ(rig.guest.room(), 1024u);
	CHECK_EQ(rig.ask({ xen::op_read, 1, 0, granted(rig.guest, 5), 0, 7 }), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
	CHECK(!rig.guest.relax(3));
	CHECK_EQ(rig.ask({ xen::op_read, 1, 0, granted(rig.guest, 5), 0, 7 }), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 3);
	CHECK(rig.guest.relax());
	CHECK_EQ(rig.guest.room(), all);
	CHECK(rig.close());
}

TBK_TEST(ring_that_closes_squeezed_leaves_nothing)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	CHECK_EQ(rig.ask({ xen::op_read, 1, 0, granted(rig.guest, 5), 0, 7 }), 0);
	rig.guest.squeeze();
	REQUIRE(rig.close());
	REQUIRE(rig.connect(persistent));
	CHECK_EQ(rig.guest.room(), all);
	CHECK_EQ(rig.ask({ xen::op_read, 1, 0, granted(rig.guest, 5), 0, 7 }), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 5);
}

TBK_TEST(random_squeezes_never_get_stuck)
{
	for (u32 round = 0; round < 4; round++) {
		RingRig rig;
		GuestReply reply = {};
		bool is_over = false;
		bool is_done = false;

		rig.guest.limits.pages = 512;
		rig.guest.limits.kept_pages = static_cast<u32>(hosted_pick(40));
		REQUIRE(rig.connect({ .queues = 2, .order = 1, .is_persistent = true }));
		const std::vector<u32> pages = granted(rig.guest, 64);

		hosted_spawn("dom0", [&] {
			while (!is_over) {
				hosted_sleep_ms(1 + hosted_pick(3));
				if (hosted_pick(2))
					rig.guest.squeeze();
				else
					rig.guest.relax(static_cast<u32>(hosted_pick(600)));
			}
			rig.guest.relax();
			is_done = true;
		});
		for (u64 id = 0; id < 150; id++) {
			const u32 queue = static_cast<u32>(hosted_pick(2));
			GuestIo io = { static_cast<u8>(hosted_pick(2)), id, id * 8, {}, 0, 7 };

			io.is_indirect = hosted_pick(20) == 0;
			for (u64 n = 1 + hosted_pick(io.is_indirect ? 200 : 11); n; n--)
				io.grants.push_back(pages[hosted_pick(64)]);
			rig.guest.put(io, queue);
			if (hosted_pick(3) == 0)
				rig.guest.kick(queue);
			while (rig.guest.has_response(queue))
				rig.guest.take(reply, queue);
			if (hosted_pick(10) == 0)
				hosted_sleep_ms(2);
		}
		is_over = true;
		while (!is_done)
			hosted_sleep_ms(1);
		CHECK_EQ(rig.guest.room(), 2 * (512 + rig.guest.limits.kept_pages));
		CHECK(rig.close());
	}
}
