// SPDX-License-Identifier: GPL-2.0
/* What becomes of a disk while a guest has it: other sizes, other devices, other rings. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr int okay = 0;
constexpr int error = -1;
constexpr u64 mib = 1 << 20;
constexpr u64 sectors_of_mib = mib / 512;

/* How often the backend has said that it is Connected, whatever else it said. */
u32 times_connected(const Guest &guest)
{
	u32 times = 0;

	for (const State state : guest.states())
		times += state == State::connected;
	return times;
}

/* The backend notices what has changed. */
void look(Guest &guest)
{
	guest.look();
	hosted_sleep_ms(1);
}

} // namespace

TBK_TEST(device_that_grows_is_told_of_at_once)
{
	RingRig rig;

	REQUIRE(rig.connect({ .queues = 2 }));
	CHECK_EQ(rig.write(4 * sectors_of_mib, 5), error);
	rig.device.resize(8 * mib);
	look(rig.guest);
	CHECK_EQ(rig.guest.backend["sectors"], 8 * sectors_of_mib);
	CHECK_EQ(times_connected(rig.guest), 2u);
	CHECK_EQ(rig.write(8 * sectors_of_mib - 8, 5, 1), okay);
	CHECK_EQ(rig.read(8 * sectors_of_mib - 8), 5);
	CHECK_EQ(rig.write(8 * sectors_of_mib, 5), error);
	/* Once. */
	look(rig.guest);
	CHECK_EQ(times_connected(rig.guest), 2u);
}

TBK_TEST(device_that_shrinks_is_told_of_and_kept_to)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.write(2 * sectors_of_mib, 5), okay);
	rig.device.resize(2 * mib);
	look(rig.guest);
	CHECK_EQ(rig.guest.backend["sectors"], 2 * sectors_of_mib);
	CHECK_EQ(rig.write(2 * sectors_of_mib, 6), error);
	CHECK_EQ(rig.write(2 * sectors_of_mib - 8, 6), okay);
}

TBK_TEST(volume_that_is_resized_is_told_of_and_kept_to)
{
	MemoryDevice device(256 * mib, ring_device_options());
	const struct tbk_format_options options = { "tank", { 1 }, 0 };
	struct tbk_volume *volume = nullptr;
	struct tbk_pool *pool = nullptr;

	REQUIRE(!tbk_pool_format(&device, &options, nullptr));
	REQUIRE(!tbk_pool_open(&device, 0, &pool, nullptr));
	REQUIRE(!tbk_volume_create(pool, "disk", 8 * mib, 0, nullptr));
	REQUIRE(!tbk_volume_open(pool, "disk", nullptr, 0, &volume, nullptr));
	{
		GuestDisk disk({ volume, nullptr, 0, 0, 0, 1 });

		REQUIRE(disk.connect({}));
		CHECK_EQ(disk.write(8 * sectors_of_mib, 5), error);
		CHECK(!tbk_volume_resize(pool, "disk", 16 * mib, 0, nullptr));
		look(disk.guest);
		CHECK_EQ(disk.guest.backend["sectors"], 16 * sectors_of_mib);
		CHECK_EQ(disk.write(16 * sectors_of_mib - 8, 5), okay);
		CHECK(!tbk_volume_resize(pool, "disk", 4 * mib, TBK_RESIZE_SHRINK, nullptr));
		look(disk.guest);
		CHECK_EQ(disk.guest.backend["sectors"], 4 * sectors_of_mib);
		CHECK_EQ(disk.write(4 * sectors_of_mib, 5), error);
	}
	tbk_volume_close(volume);
	tbk_pool_close(pool, nullptr);
}

TBK_TEST(size_is_not_written_over_the_toolstacks_state)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	rig.device.resize(8 * mib);
	/* Seen before the eviction is: the toolstack writes when it likes. */
	rig.guest.write_state(State::closing);
	look(rig.guest);
	CHECK(rig.guest.state() == State::closing);
	CHECK_EQ(times_connected(rig.guest), 1u);
	rig.guest.evict();
	rig.guest.go(State::closed);
	CHECK(rig.guest.wait_for(State::closed));
}

TBK_TEST(device_that_was_pulled_out_is_reported_once)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	rig.device.resize(0);
	look(rig.guest);
	CHECK(rig.guest.error().find("was removed") != std::string::npos);
	/* Nothing that the guest would have to understand. */
	CHECK(rig.guest.state() == State::connected);
	CHECK_EQ(rig.guest.backend["sectors"], 4 * sectors_of_mib);
	CHECK_EQ(times_connected(rig.guest), 1u);
	CHECK_EQ(rig.write(0, 5), error);
	CHECK_EQ(rig.read(0), -1);
	CHECK(rig.close());
}

TBK_TEST(device_is_exchanged_between_connections)
{
	MemoryDevice other(8 * mib, ring_device_options());
	RingRig rig;

	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.guest.backend["opened"], 1u);
	CHECK(!rig.guest.exchange(ring_target(other)));
	CHECK_EQ(rig.write(0, 5), okay);
	REQUIRE(rig.close());
	CHECK(rig.guest.exchange(ring_target(other)));
	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.guest.backend["sectors"], 8 * sectors_of_mib);
	CHECK_EQ(rig.read(0), 0);
	CHECK_EQ(rig.write(0, 6), okay);
	CHECK_EQ(other.counts().writes, 1u);
	CHECK_EQ(rig.device.counts().writes, 1u);
}

TBK_TEST(frontend_that_went_back_has_new_rings)
{
	RingRig rig;
	Guest &guest = rig.guest;

	for (const u32 queues : { 1u, 2u, 1u, 1u }) {
		const u32 before = times_connected(guest);

		/* From Connected, but for the first time. */
		guest.connect(xen::Abi::x86_64, State::initialised, { .queues = queues });
		for (u32 ms = 0; ms < 1000 && times_connected(guest) == before; ms++)
			hosted_sleep_ms(1);
		REQUIRE(times_connected(guest) == before + 1);
		/* None of those before. */
		CHECK_EQ(guest.pages_mapped(), queues);
		CHECK_EQ(rig.write(8, 5, queues - 1), okay);
		guest.go(State::connected);
		hosted_sleep_ms(1);
	}
}

TBK_TEST(frontend_that_says_the_same_again_is_left_alone)
{
	RingRig rig;

	REQUIRE(rig.connect_and_hold({ .queues = 2 }));
	rig.guest.put({ xen::op_read, 1, 0, { rig.guest.grant() }, 0, 7 });
	rig.guest.kick();
	rig.guest.go(State::initialised);
	hosted_sleep_ms(10);
	/* Keys that were taken away say nothing of other rings. */
	rig.guest.frontend.erase("queue-1/event-channel");
	rig.guest.go(State::initialised);
	hosted_sleep_ms(10);
	CHECK_EQ(times_connected(rig.guest), 1u);
	rig.device.let_go();
	CHECK(rig.take_all(1));
	CHECK_EQ(rig.write(0, 5, 1), okay);
}

namespace {

constexpr u64 piece = 256 * mib;
constexpr u64 sectors_of_piece = piece / 512;

constexpr RingDisk large = { .bytes = 4 * piece };

GuestIo discard(u64 id, u64 sector, u64 sectors)
{
	GuestIo io = { xen::op_discard, id, sector, {}, 0, 7 };

	io.discarded = sectors;
	return io;
}

} // namespace

TBK_TEST(long_discard_goes_in_pieces)
{
	RingRig rig(ring_device_options(), large);
	struct tbk_op_stats stats = {};
	struct tbk_vbd_stats counts = {};

	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.write(0, 5), okay);
	CHECK_EQ(rig.write(8, 6), okay);
	CHECK_EQ(rig.write(4 * sectors_of_piece - 8, 7), okay);
	CHECK_EQ(rig.ask(discard(1, 8, 4 * sectors_of_piece - 16)), okay);
	CHECK_EQ(rig.device.counts().discards, 4u);
	CHECK_EQ(rig.device.counts().bytes_discarded, 4 * piece - 8192);
	CHECK_EQ(rig.read(0), 5);
	CHECK_EQ(rig.read(8), 0);
	CHECK_EQ(rig.read(4 * sectors_of_piece - 8), 7);
	/* One request, all the same. */
	tbk_vbd_read_op_stats(rig.guest.vbd(), TBK_STAT_DISCARD, &stats);
	tbk_vbd_read_stats(rig.guest.vbd(), &counts);
	CHECK_EQ(counts.discards, 1u);
	CHECK_EQ(stats.bytes, 4 * piece - 8192);
}

TBK_TEST(long_discards_leave_room_for_others)
{
	RingRig rig(ring_device_options(), large);

	REQUIRE(rig.connect_and_hold());
	for (u64 id = 0; id < 8; id++)
		rig.guest.put(discard(id, 0, 4 * sectors_of_piece));
	rig.guest.put({ xen::op_read, 8, 0, { rig.guest.grant() }, 0, 7 });
	rig.guest.put(discard(9, 0, 8));
	rig.guest.kick();
	hosted_sleep_ms(10);
	/* One piece of one of the eight, and what is not long. */
	CHECK_EQ(rig.device.in_flight(), 3u);
	rig.device.let_go();
	CHECK(rig.take_all(10));
	CHECK_EQ(rig.device.counts().discards, 8u * 4 + 1);
}

TBK_TEST(long_discard_ends_when_the_disk_closes)
{
	RingRig rig(ring_device_options(), large);
	GuestReply reply = {};

	REQUIRE(rig.connect_and_hold());
	rig.guest.put(discard(1, 0, 4 * sectors_of_piece));
	rig.guest.put(discard(2, 0, 4 * sectors_of_piece));
	rig.guest.kick();
	hosted_sleep_ms(10);
	rig.guest.go(State::closed);
	hosted_sleep_ms(10);
	rig.device.let_go();
	CHECK(rig.guest.wait_for(State::closed));
	CHECK_EQ(rig.device.counts().discards, 1u);
	for (u32 i = 0; i < 2; i++) {
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.status, error);
	}
	rig.guest.go(State::initialising);
	CHECK(rig.guest.wait_for(State::init_wait));
	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.ask(discard(3, 0, 4 * sectors_of_piece)), okay);
}

TBK_TEST(long_discard_that_fails_is_an_error)
{
	RingRig rig(ring_device_options(), large);

	REQUIRE(rig.connect({}));
	rig.device.fail_discard(2);
	CHECK_EQ(rig.ask(discard(1, 0, 4 * sectors_of_piece)), error);
	CHECK_EQ(rig.device.counts().discards, 2u);
	CHECK_EQ(rig.ask(discard(2, 0, 4 * sectors_of_piece)), okay);
}
