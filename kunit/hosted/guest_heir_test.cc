// SPDX-License-Identifier: GPL-2.0
/* A disk that another driver served until now, for a guest that goes on all the time. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr struct tbk_vbd_heritage none = {};
constexpr struct tbk_vbd_heritage live = { .connected = 1, .persistent = 1 };
constexpr struct tbk_vbd_heritage live_without_persistent = { .connected = 1, .persistent = 0 };
constexpr GuestLayout persistent = { .is_persistent = true };

struct HeirRig {
	explicit HeirRig(const struct tbk_vbd_heritage &heritage = live)
		: device(4 << 20, ring_device_options()), guest(ring_target(device), heritage)
	{
	}

	/* The frontend has been connected all along. */
	void inherit(const GuestLayout &layout = {})
	{
		guest.connect(xen::Abi::x86_64, State::connected, layout);
	}

	bool has_refused(u32 count)
	{
		for (u32 ms = 0; ms < 10'000 && guest.binds_refused() < count; ms++)
			hosted_sleep_ms(1);
		return guest.binds_refused() >= count;
	}

	u32 put_read(u64 id)
	{
		const u32 page = guest.grant();

		guest.put({ xen::op_read, id, 0, { page }, 0, 7 });
		return page;
	}

	/* The driver before answers the next one. */
	void answer(u64 id)
	{
		auto &response = *reinterpret_cast<xen::WireResponse *>(
			const_cast<u8 *>(guest.ring_slot(guest.ring().rsp_prod)));

		response = { id, xen::op_read, {}, 0 };
		guest.ring().rsp_prod++;
	}

	int read(u64 id)
	{
		GuestReply reply = {};

		put_read(id);
		guest.kick();
		return guest.take(reply) && reply.id == id ? reply.status : 99;
	}

	MemoryDevice device;
	Guest guest;
};

} // namespace

TBK_TEST(heir_waits_until_the_driver_before_is_done)
{
	HeirRig rig;
	Guest &guest = rig.guest;
	GuestReply reply = {};

	guest.bind_elsewhere(true);
	rig.inherit();
	for (u64 id = 1; id <= 4; id++)
		rig.put_read(id);
	REQUIRE(rig.has_refused(3));
	CHECK(guest.state() == State::init_wait);
	CHECK(guest.error().empty());
	CHECK_EQ(guest.pages_mapped(), 0u);

	/* It had taken two when it was told to go. An answer to one of them twice is the guest's death. */
	rig.answer(2);
	rig.answer(1);
	guest.bind_elsewhere(false);
	REQUIRE(guest.wait_for(State::connected));
	for (u64 id : { 2, 1 }) {
		REQUIRE(guest.take(reply));
		CHECK_EQ(reply.id, id);
	}
	/* Ours, in the order in which the device has done them; the guest dies of one that is not asked for. */
	for (u32 i = 0; i < 2; i++) {
		REQUIRE(guest.take(reply));
		CHECK(reply.id == 3 || reply.id == 4);
	}
	CHECK_EQ(rig.read(5), 0);
}

TBK_TEST(heir_leaves_while_it_waits)
{
	HeirRig rig;

	rig.guest.bind_elsewhere(true);
	rig.inherit();
	REQUIRE(rig.has_refused(1));
	rig.guest.leave();
	CHECK(rig.guest.state() == State::init_wait);
}

TBK_TEST(channel_of_nobody_closes_a_disk_without_heir)
{
	HeirRig rig(none);

	rig.guest.bind_elsewhere(true);
	rig.inherit();
	CHECK(rig.guest.wait_for(State::closing));
	CHECK(!rig.guest.error().empty());
	CHECK_EQ(rig.guest.binds_refused(), 1u);
}

TBK_TEST(heir_keeps_pages_only_if_the_frontend_knows)
{
	{
		HeirRig rig(live_without_persistent);

		rig.inherit(persistent);
		REQUIRE(rig.guest.wait_for(State::connected));
		CHECK_EQ(rig.guest.backend["feature-persistent"], 0u);
		CHECK_EQ(rig.read(1), 0);
		CHECK_EQ(rig.guest.pages_mapped(), 1u);
	}
	HeirRig rig;

	rig.inherit(persistent);
	REQUIRE(rig.guest.wait_for(State::connected));
	CHECK_EQ(rig.guest.backend["feature-persistent"], 1u);
	CHECK_EQ(rig.read(1), 0);
	CHECK_EQ(rig.guest.pages_mapped(), 2u);
}

TBK_TEST(heir_takes_rings_that_are_not_offered_any_more)
{
	HeirRig rig;

	rig.guest.limits.queues = 1;
	rig.guest.limits.ring_order = 0;
	rig.inherit({ .queues = 3, .order = 2 });
	REQUIRE(rig.guest.wait_for(State::connected));
	CHECK_EQ(rig.guest.backend["multi-queue-max-queues"], 1u);
	CHECK_EQ(rig.guest.pages_mapped(), 12u);
	CHECK_EQ(rig.read(1), 0);
}

TBK_TEST(heir_that_fails_leaves_the_state)
{
	HeirRig rig;
	Guest &guest = rig.guest;

	guest.bind_elsewhere(true);
	rig.inherit();
	guest.ring().req_prod = 33;
	guest.bind_elsewhere(false);
	CHECK(guest.wait_for(State::init_wait));
	for (u32 ms = 0; ms < 10'000 && guest.error().empty(); ms++)
		hosted_sleep_ms(1);
	CHECK(!guest.error().empty());
	CHECK_EQ(guest.pages_mapped(), 0u);
	guest.leave();
	CHECK(guest.state() == State::init_wait);
}

TBK_TEST(guest_that_moves_ends_the_heritage)
{
	HeirRig rig;
	Guest &guest = rig.guest;

	guest.limits.queues = 1;
	guest.bind_elsewhere(true);
	rig.inherit();
	REQUIRE(rig.has_refused(1));
	guest.go(State::closed);
	REQUIRE(guest.wait_for(State::closed));
	guest.bind_elsewhere(false);
	guest.go(State::initialising);
	REQUIRE(guest.wait_for(State::init_wait));
	guest.connect(xen::Abi::x86_64, State::initialised, { .queues = 2 });
	CHECK(guest.wait_for(State::closing));
	CHECK(!guest.error().empty());
}
