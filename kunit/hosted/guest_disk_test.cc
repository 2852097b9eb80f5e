// SPDX-License-Identifier: GPL-2.0
/* A guest's disk, from the ring to a device and back, with a guest that is made up. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr u64 mib = 1 << 20;
constexpr size_t sector = 512;
constexpr int okay = 0;
constexpr int error = -1;
constexpr int unsupported = -2;

constexpr RingDisk small = { .bytes = mib, .has_discards = false };
constexpr RingDisk small_read_only = { .bytes = mib, .is_read_only = true, .has_discards = false };

/* A disk and a guest that has it, connected. */
struct Fixture : RingRig {
	explicit Fixture(xen::Abi abi = xen::Abi::x86_64, const RingDisk &disk = small)
		: RingRig(ring_device_options(), disk), is_connected(connect({}, abi))
	{
	}

	/* That the device holds. */
	void begin_write()
	{
		device.hold();
		guest.put({ xen::op_write, 1, 0, { guest.grant() }, 0, 7 });
		guest.kick();
		hosted_sleep_ms(1);
	}

	const bool is_connected;
};

void check_write_and_read(struct kunit *test, xen::Abi abi)
{
	Fixture fixture(abi);
	Guest &guest = fixture.guest;
	const std::vector<u32> out = { guest.grant(true), guest.grant(true) };
	const std::vector<u32> in = { guest.grant(), guest.grant() };

	REQUIRE(fixture.is_connected);
	memset(guest.page(out[0]), 0x11, xen::page_size);
	memset(guest.page(out[1]), 0x22, xen::page_size);
	CHECK_EQ(fixture.ask({ xen::op_write, 1, 16, out, 0, 7 }), okay);
	CHECK_EQ(fixture.flush(), okay);
	CHECK_EQ(fixture.ask({ xen::op_read, 2, 16, in, 0, 7 }), okay);
	CHECK(memcmp(guest.page(in[0]), guest.page(out[0]), xen::page_size) == 0);
	CHECK(memcmp(guest.page(in[1]), guest.page(out[1]), xen::page_size) == 0);
	CHECK_EQ(fixture.device.counts().flushes, 1u);
	CHECK_EQ(guest.pages_mapped(), 1u); /* the ring */
}

} // namespace

TBK_TEST(guest_reads_what_it_wrote)
{
	check_write_and_read(test, xen::Abi::x86_64);
}

TBK_TEST(guest_of_32_bits_reads_what_it_wrote)
{
	check_write_and_read(test, xen::Abi::x86_32);
}

TBK_TEST(guest_reads_parts_of_pages)
{
	Fixture fixture;
	Guest &guest = fixture.guest;
	const u32 in = guest.grant();
	u8 data[sector];

	memset(data, 0x33, sizeof(data));
	fixture.device.write(9 * sector, data, sizeof(data));
	CHECK_EQ(fixture.ask({ xen::op_read, 1, 8, { in }, 3, 5 }), okay);
	CHECK_EQ(guest.page(in)[3 * sector], 0);
	CHECK_EQ(guest.page(in)[4 * sector], 0x33);
	CHECK_EQ(guest.page(in)[5 * sector - 1], 0x33);
	CHECK_EQ(guest.page(in)[5 * sector], 0);
}

TBK_TEST(batch_is_mapped_at_once_and_answered_with_one_event)
{
	Fixture fixture;
	Guest &guest = fixture.guest;
	GuestReply reply = {};

	REQUIRE(fixture.is_connected);
	hosted_sleep_ms(1);
	fixture.device.hold();
	for (u64 id = 0; id < 32; id++)
		CHECK(guest.put(
			{ xen::op_read, id, id * 8, { guest.grant(), guest.grant() }, 0, 7 }));
	guest.kick();
	hosted_sleep_ms(1);
	CHECK_EQ(guest.mapped_at_once(), 64u);
	CHECK_EQ(guest.events_received(), 0u);
	fixture.device.let_go();
	hosted_sleep_ms(1);
	CHECK_EQ(guest.events_received(), 1u);
	for (u64 id = 0; id < 32; id++)
		REQUIRE(guest.take(reply));
}

TBK_TEST(bad_requests_are_answered_each_with_its_own_id)
{
	Fixture fixture;
	const u32 page = fixture.guest.grant();

	CHECK_EQ(fixture.ask({ xen::op_read, 10, 0, {}, 0, 7 }), error);
	CHECK_EQ(fixture.ask({ xen::op_read, 11, 0, { page }, 5, 4 }), error);
	CHECK_EQ(fixture.ask({ xen::op_write, 12, ~0ull, { page }, 0, 7 }), error);
	CHECK_EQ(fixture.ask({ xen::op_discard, 13, 0, { page }, 0, 7 }), unsupported);
	CHECK_EQ(fixture.ask({ 200, ~0ull, 0, { page }, 0, 7 }), unsupported);
	CHECK_EQ(fixture.device.counts().reads + fixture.device.counts().writes, 0u);
}

TBK_TEST(bad_grant_fails_its_request_alone)
{
	Fixture fixture;
	Guest &guest = fixture.guest;
	const u32 page = guest.grant();
	GuestReply reply = {};

	guest.put({ xen::op_read, 1, 0, { page, 12345, page }, 0, 7 });
	guest.put({ xen::op_read, 2, 0, { page }, 0, 7 });
	guest.kick();
	for (u32 i = 0; i < 2; i++) {
		REQUIRE(guest.take(reply));
		CHECK(reply.status == (reply.id == 1 ? error : okay));
	}
	CHECK_EQ(guest.pages_mapped(), 1u);
}

TBK_TEST(read_into_a_read_only_page_fails)
{
	Fixture fixture;

	CHECK_EQ(fixture.ask({ xen::op_read, 1, 0, { fixture.guest.grant(true) }, 0, 7 }), error);
}

TBK_TEST(write_from_a_read_only_page_works)
{
	Fixture fixture;

	CHECK_EQ(fixture.ask({ xen::op_write, 1, 0, { fixture.guest.grant(true) }, 0, 7 }), okay);
}

TBK_TEST(failing_write_is_an_error)
{
	Fixture fixture;

	fixture.device.fail_write(1);
	CHECK_EQ(fixture.ask({ xen::op_write, 1, 0, { fixture.guest.grant() }, 0, 7 }), error);
	CHECK_EQ(fixture.ask({ xen::op_write, 2, 0, { fixture.guest.grant() }, 0, 7 }), okay);
}

TBK_TEST(failing_flush_is_not_answered_and_closes_the_disk)
{
	Fixture fixture;
	Guest &guest = fixture.guest;
	GuestReply reply = {};

	REQUIRE(fixture.is_connected);
	fixture.device.fail_flush(1);
	guest.put({ xen::op_flush, 1, 0, {}, 0, 7 });
	guest.kick();
	CHECK(guest.wait_for(State::closing));
	CHECK(!guest.error().empty());
	CHECK(!guest.take(reply));
	/* The guest gives up, and comes back. */
	CHECK(fixture.close());
	CHECK(fixture.connect({}));
	CHECK_EQ(fixture.flush(), okay);
}

TBK_TEST(page_that_is_held_is_not_unmapped)
{
	Fixture fixture;
	Guest &guest = fixture.guest;
	const u32 page = guest.grant();
	GuestReply reply = {};

	REQUIRE(fixture.is_connected);
	guest.hold(page, true);
	guest.put({ xen::op_write, 1, 0, { page }, 0, 7 });
	guest.kick();
	hosted_sleep_ms(100);
	CHECK_EQ(guest.ring().rsp_prod, 0u);
	CHECK_EQ(guest.pages_mapped(), 2u);
	guest.hold(page, false);
	CHECK(guest.take(reply));
	CHECK_EQ(guest.pages_mapped(), 1u);
}

TBK_TEST(index_out_of_bounds_stops_the_ring_alone)
{
	Fixture fixture;
	Guest &guest = fixture.guest;

	REQUIRE(fixture.is_connected);
	hosted_sleep_ms(1);
	guest.put({ xen::op_read, 1, 0, { guest.grant() }, 0, 7 });
	guest.ring().req_prod = 1000;
	guest.kick();
	hosted_sleep_ms(100);
	CHECK_EQ(guest.ring().rsp_prod, 0u);
	CHECK(fixture.close());
	CHECK(fixture.connect({}));
	CHECK_EQ(fixture.flush(), okay);
}

TBK_TEST(full_ring_at_connect_is_served)
{
	RingRig rig(ring_device_options(), small);
	Guest &guest = rig.guest;
	GuestReply reply = {};

	guest.connect(xen::Abi::x86_64, State::init_wait);
	for (u64 id = 0; id < 32; id++)
		CHECK(guest.put({ xen::op_read, id, 0, { guest.grant() }, 0, 7 }));
	CHECK(!guest.put({}));
	guest.go(State::connected);
	for (u64 id = 0; id < 32; id++)
		REQUIRE(guest.take(reply));
}

TBK_TEST(garbage_ring_at_connect_is_refused)
{
	RingRig rig(ring_device_options(), small);
	Guest &guest = rig.guest;

	guest.connect(xen::Abi::x86_64, State::init_wait);
	guest.ring().req_prod = 33;
	guest.go(State::initialised);
	CHECK(guest.wait_for(State::closing));
	CHECK(!guest.error().empty());
	CHECK_EQ(guest.pages_mapped(), 0u);
}

TBK_TEST(missing_keys_are_refused_until_they_come)
{
	RingRig rig(ring_device_options(), small);
	Guest &guest = rig.guest;

	CHECK(guest.wait_for(State::init_wait));
	guest.frontend["event-channel"] = "";
	guest.go(State::initialised);
	CHECK(guest.wait_for(State::closing));
	guest.frontend["protocol"] = "sparc";
	guest.go(State::initialised);
	hosted_sleep_ms(10);
	CHECK(guest.state() == State::closing);
	guest.connect();
	CHECK(guest.wait_for(State::connected));
}

TBK_TEST(close_waits_for_requests_in_flight)
{
	Fixture fixture;
	Guest &guest = fixture.guest;
	GuestReply reply = {};

	REQUIRE(fixture.is_connected);
	fixture.begin_write();
	CHECK_EQ(guest.pages_mapped(), 2u);
	guest.go(State::closed);
	hosted_sleep_ms(1000);
	CHECK(guest.state() == State::connected);
	fixture.device.let_go();
	CHECK(guest.wait_for(State::closed));
	CHECK(guest.take(reply));
	CHECK_EQ(reply.status, okay);
}

TBK_TEST(leave_waits_for_requests_in_flight)
{
	Fixture fixture;
	Guest &guest = fixture.guest;

	REQUIRE(fixture.is_connected);
	fixture.begin_write();
	fixture.leave_while_held(500);
	CHECK_EQ(guest.pages_mapped(), 0u);
	CHECK_EQ(guest.ring().rsp_prod, 1u);
	/* Whoever comes next writes its own. */
	CHECK(guest.state() == State::connected);
}

TBK_TEST(reconnect_serves_the_new_ring)
{
	Fixture fixture;
	Guest &guest = fixture.guest;

	CHECK_EQ(fixture.flush(), okay);
	guest.go(State::initialising);
	CHECK(guest.wait_for(State::init_wait));
	guest.connect(xen::Abi::x86_32, State::connected);
	CHECK(guest.wait_for(State::connected));
	CHECK_EQ(fixture.flush(), okay);
}

TBK_TEST(evicted_disk_departs_when_the_guest_closes)
{
	Fixture fixture;
	Guest &guest = fixture.guest;

	guest.evict();
	hosted_sleep_ms(10);
	CHECK(!guest.has_departed());
	guest.go(State::closed);
	CHECK(guest.wait_for(State::closed));
	CHECK(guest.has_departed());
}

TBK_TEST(vanished_guest_departs)
{
	Fixture fixture;
	Guest &guest = fixture.guest;

	REQUIRE(fixture.is_connected);
	fixture.begin_write();
	guest.go(State::unknown);
	hosted_sleep_ms(10);
	CHECK(!guest.has_departed());
	fixture.device.let_go();
	CHECK(guest.wait_for(State::closed));
	CHECK(guest.has_departed());
}

TBK_TEST(keys_say_what_the_disk_is)
{
	Fixture fixture(xen::Abi::x86_64, small_read_only);
	auto &keys = fixture.guest.backend;

	CHECK_EQ(keys["sectors"], mib / 512);
	CHECK_EQ(keys["sector-size"], 512u);
	CHECK_EQ(keys["physical-sector-size"], 4096u);
	CHECK_EQ(keys["feature-flush-cache"], 1u);
	CHECK_EQ(keys["info"], xen::info_read_only);
	CHECK_EQ(keys["multi-queue-max-queues"], 4u);
	CHECK_EQ(keys["max-ring-page-order"], 4u);
	CHECK_EQ(fixture.ask({ xen::op_write, 1, 0, { fixture.guest.grant() }, 0, 7 }), error);
	CHECK_EQ(fixture.flush(), okay);
}

TBK_TEST(statistics_count_what_was_done)
{
	Fixture fixture;
	struct tbk_vbd_stats stats = {};

	CHECK_EQ(fixture.ask({ xen::op_write, 1, 0, { fixture.guest.grant() }, 0, 7 }), okay);
	CHECK_EQ(fixture.ask({ xen::op_read, 1, 0, { fixture.guest.grant() }, 2, 3 }), okay);
	CHECK_EQ(fixture.ask({ xen::op_read, 1, 0, {}, 2, 3 }), error);
	CHECK_EQ(fixture.flush(), okay);
	tbk_vbd_read_stats(fixture.guest.vbd(), &stats);
	CHECK_EQ(stats.reads, 1u);
	CHECK_EQ(stats.sectors_read, 2u);
	CHECK_EQ(stats.writes, 1u);
	CHECK_EQ(stats.sectors_written, 8u);
	CHECK_EQ(stats.flushes, 1u);
}

namespace {

/* Requests of all kinds, sound or not, as many as the ring takes. */
void put_anything(Guest &guest, u64 id, u32 pages)
{
	GuestIo io;

	io.operation = static_cast<u8>(hosted_pick(8));
	io.id = id;
	io.sector = hosted_pick(2200);
	io.first_sector = static_cast<u8>(hosted_pick(9));
	io.last_sector = static_cast<u8>(hosted_pick(10));
	for (u64 n = hosted_pick(12); n; n--)
		io.grants.push_back(static_cast<u32>(1 + hosted_pick(pages + 1)));
	guest.put(io);
}

void take_all(Guest &guest)
{
	GuestReply reply = {};

	while (guest.has_response())
		guest.take(reply);
}

} // namespace

TBK_TEST(random_frontend_never_gets_stuck)
{
	constexpr State states[] = { State::initialising, State::initialised, State::connected,
				     State::closing,	  State::closed,      State::init_wait };
	constexpr u32 pages = 40;

	for (u32 round = 0; round < 20; round++) {
		Fixture fixture(hosted_pick(2) ? xen::Abi::x86_32 : xen::Abi::x86_64);
		Guest &guest = fixture.guest;

		REQUIRE(fixture.is_connected);
		for (u32 i = 0; i < pages; i++)
			guest.grant(hosted_pick(4) == 0);
		for (u32 i = 0; i < 50; i++) {
			put_anything(guest, i, pages);
			if (hosted_pick(3) == 0)
				guest.kick();
			if (hosted_pick(4) == 0)
				take_all(guest);
			if (hosted_pick(20) == 0)
				hosted_sleep_ms(1);
		}
		for (u32 i = 0; i < hosted_pick(4); i++)
			guest.go(states[hosted_pick(6)]);
		guest.go(State::closed);
		CHECK(guest.wait_for(State::closed));
		take_all(guest);
	}
}
