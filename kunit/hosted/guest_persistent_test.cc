// SPDX-License-Identifier: GPL-2.0
/* Pages that stay mapped from one request to the next. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr GuestLayout persistent = { .is_persistent = true };

std::vector<u32> granted(Guest &guest, u32 count)
{
	std::vector<u32> grants;

	for (u32 i = 0; i < count; i++)
		grants.push_back(guest.grant());
	return grants;
}

int read_into(RingRig &rig, const std::vector<u32> &grants, u64 id = 1)
{
	return rig.ask({ xen::op_read, id, 0, grants, 0, 7 });
}

} // namespace

TBK_TEST(pages_stay_mapped_where_both_agree)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	CHECK_EQ(rig.guest.backend["feature-persistent"], 1u);
	const std::vector<u32> grants = granted(rig.guest, 5);

	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(read_into(rig, grants), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 5);
	/* Mapped once, for reading and for writing. */
	CHECK_EQ(rig.guest.maps(), 5u);
	CHECK_EQ(rig.ask({ xen::op_write, 2, 0, grants, 0, 7 }), 0);
	CHECK_EQ(rig.guest.maps(), 5u);
	REQUIRE(rig.close());

	/* Not if the frontend does not promise it, nor if it was not offered. */
	REQUIRE(rig.connect({}));
	CHECK_EQ(read_into(rig, grants), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
	rig.guest.limits.persistent = 0;
	REQUIRE(rig.close());
	REQUIRE(rig.connect(persistent));
	CHECK_EQ(rig.guest.backend["feature-persistent"], 0u);
	CHECK_EQ(read_into(rig, grants), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
}

TBK_TEST(page_named_twice_is_mapped_twice)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	const u32 page = rig.guest.grant();

	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(read_into(rig, { page, page, page }), 0);
	/* One stays, the others came and went. */
	CHECK_EQ(rig.guest.pages_mapped(), 2u);
	CHECK_EQ(rig.guest.maps(), 3u + 2 + 2);
	CHECK(rig.close());
}

TBK_TEST(pages_that_stay_are_bounded)
{
	RingRig rig;

	rig.guest.limits.kept_pages = 20;
	REQUIRE(rig.connect(persistent));
	const std::vector<u32> grants = granted(rig.guest, 60);

	for (u32 i = 0; i < 60; i += 10)
		CHECK_EQ(read_into(rig, { grants.begin() + i, grants.begin() + i + 10 }), 0);
	CHECK(rig.guest.pages_mapped() <= 1u + 20);
	/* What was used last is there in the end, as others had to go for it. */
	for (u32 i = 0; i < 40; i++)
		CHECK_EQ(read_into(rig, { grants[59] }), 0);
	const u64 before = rig.guest.maps();
	CHECK_EQ(read_into(rig, { grants[59] }), 0);
	CHECK_EQ(rig.guest.maps(), before);
	CHECK(rig.close());
}

TBK_TEST(pages_unused_for_long_go)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	const std::vector<u32> grants = granted(rig.guest, 8);

	CHECK_EQ(read_into(rig, grants), 0);
	for (u32 i = 0; i < 5; i++) {
		hosted_sleep_ms(14'000);
		CHECK_EQ(read_into(rig, { grants[0] }), 0);
	}
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 1);
	rig.guest.limits.kept_seconds = 0;
	REQUIRE(rig.close());
	REQUIRE(rig.connect(persistent));
	CHECK_EQ(read_into(rig, grants), 0);
	hosted_sleep_ms(1'000'000);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 8);
	CHECK(rig.close());
}

TBK_TEST(page_that_is_held_outlasts_its_time)
{
	RingRig rig;

	rig.guest.limits.kept_seconds = 1;
	REQUIRE(rig.connect(persistent));
	const std::vector<u32> grants = granted(rig.guest, 8);

	CHECK_EQ(read_into(rig, grants), 0);
	rig.guest.hold(grants[3], true);
	hosted_sleep_ms(20'000);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 1);
	rig.guest.hold(grants[3], false);
	hosted_sleep_ms(10'000);
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
}

TBK_TEST(close_waits_for_a_page_that_is_held)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	const std::vector<u32> grants = granted(rig.guest, 8);

	CHECK_EQ(read_into(rig, grants), 0);
	rig.guest.hold(grants[3], true);
	rig.guest.go(State::closed);
	hosted_sleep_ms(1000);
	CHECK(rig.guest.state() == State::connected);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 1);
	rig.guest.hold(grants[3], false);
	CHECK(rig.guest.wait_for(State::closed));
	CHECK_EQ(rig.guest.pages_mapped(), 0u);
}

TBK_TEST(indirect_pages_stay_mapped)
{
	RingRig rig;
	GuestIo io = { xen::op_write, 1, 0, {}, 0, 7 };

	REQUIRE(rig.connect(persistent));
	io.grants = granted(rig.guest, 100);
	io.is_indirect = true;
	for (u32 i = 0; i < 3; i++)
		CHECK_EQ(rig.ask(io), 0);
	/* Of lists there is another each time. */
	CHECK_EQ(rig.guest.maps(), 100u + 3);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 100 + 3);
	CHECK(rig.close());
}

TBK_TEST(page_that_cannot_be_written_fails)
{
	RingRig rig;

	/* Which it promised it could be. */
	REQUIRE(rig.connect(persistent));
	CHECK_EQ(rig.ask({ xen::op_write, 1, 0, { rig.guest.grant(true) }, 0, 7 }), -1);
	CHECK_EQ(read_into(rig, granted(rig.guest, 2)), 0);
}

TBK_TEST(random_grants_never_get_stuck)
{
	for (u32 round = 0; round < 10; round++) {
		RingRig rig;
		GuestReply reply = {};

		rig.guest.limits.kept_pages = static_cast<u32>(hosted_pick(40));
		rig.guest.limits.kept_seconds = static_cast<u32>(hosted_pick(3));
		REQUIRE(rig.connect({ .queues = 2, .order = 1, .is_persistent = true }));
		const std::vector<u32> pages = granted(rig.guest, 64);

		for (u64 id = 0; id < 300; id++) {
			const u32 queue = static_cast<u32>(hosted_pick(2));
			GuestIo io = { static_cast<u8>(hosted_pick(2)), id, id * 8, {}, 0, 7 };

			for (u64 n = 1 + hosted_pick(11); n; n--)
				io.grants.push_back(hosted_pick(100) ? pages[hosted_pick(64)]
								     : 99999);
			rig.guest.put(io, queue);
			if (hosted_pick(3) == 0)
				rig.guest.kick(queue);
			while (rig.guest.has_response(queue))
				rig.guest.take(reply, queue);
			if (hosted_pick(20) == 0)
				hosted_sleep_ms(3000);
			if (hosted_pick(10) == 0)
				rig.guest.hold(pages[hosted_pick(64)], hosted_pick(2) != 0);
		}
		rig.guest.go(State::closed);
		hosted_sleep_ms(100);
		for (const u32 page : pages)
			rig.guest.hold(page, false);
		CHECK(rig.guest.wait_for(State::closed));
		CHECK_EQ(rig.guest.pages_mapped(), 0u);
	}
}
