// SPDX-License-Identifier: GPL-2.0
/* What all disks of a guest may take together. */
#include "../../drivers/backend/guest_memory.h"
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr GuestLayout layout = { .queues = 2, .order = 4, .is_persistent = true };

/* Disks of guests that count what they take in one place. */
struct Town {
	struct Disk {
		Disk(struct tbk_guests *guests, u32 domid)
			: device(4 << 20, ring_device_options()),
			  guest(ring_target(device), guests, domid)
		{
		}

		bool connect(u64 bound)
		{
			guest.limits.guest_pages = bound;
			guest.connect(xen::Abi::x86_64, State::initialised, layout);
			return guest.wait_for(State::connected);
		}

		/* Nearly all that may be mapped at once for requests of a ring: within 10 pages. */
		u32 reach()
		{
			GuestIo io = { xen::op_read, 0, 0, {}, 0, 7 };
			const u32 before = guest.pages_mapped();

			for (u32 i = 0; i < xen::max_segments; i++)
				io.grants.push_back(guest.grant());
			hosted_sleep_ms(1);
			device.hold();
			for (; io.id < guest.slots(); io.id++)
				guest.put(io);
			guest.kick();
			hosted_sleep_ms(10);
			const u32 mapped = guest.pages_mapped() - before;

			device.let_go();
			GuestReply reply = {};
			for (u32 i = 0; i < guest.slots(); i++)
				guest.take(reply);
			return mapped;
		}

		MemoryDevice device;
		Guest guest;
	};

	Town() : guests(tbk_guests_create()) {}
	~Town()
	{
		disks.clear();
		tbk_guests_destroy(guests);
	}
	Town(const Town &) = delete;
	Town &operator=(const Town &) = delete;

	Disk &add(u32 domid)
	{
		disks.push_back(std::make_unique<Disk>(guests, domid));
		return *disks.back();
	}

	struct tbk_guests *guests;
	std::vector<std::unique_ptr<Disk>> disks;
};

} // namespace

TBK_TEST(random_takers_stay_below_the_bound)
{
	constexpr u64 bound = 1000;
	GuestMemory memory;
	GuestMemory::Account *accounts[8] = {};
	u64 taken[8] = {};

	for (u32 i = 0; i < 8; i++)
		accounts[i] = memory.open(i / 4).value();
	CHECK(accounts[0] == accounts[3] && accounts[3] != accounts[4]);
	for (u32 round = 0; round < 500; round++) {
		const u64 i = hosted_pick(8);
		const u64 least = 1 + hosted_pick(600);

		memory.give(*accounts[i], taken[i]);
		taken[i] = 0;
		const u64 others = i < 4 ? taken[0] + taken[1] + taken[2] + taken[3]
					 : taken[4] + taken[5] + taken[6] + taken[7];
		const MemoryWish wish = { least, least + hosted_pick(600) };
		taken[i] = memory.take(*accounts[i], wish, bound);
		REQUIRE(taken[i] <= wish.most && others + taken[i] <= bound);
		/* Refused only where there is no room for the least. */
		REQUIRE(taken[i] ? taken[i] >= least : others + least > bound);
	}
	for (u32 i = 0; i < 8; i++) {
		memory.give(*accounts[i], taken[i]);
		memory.close(*accounts[i]);
	}
}

TBK_TEST(disks_of_a_guest_share_what_it_may_take)
{
	Town town;
	u32 before = 1100;

	/* Two rings take 4.6 thousand pages. */
	for (u32 i = 0; i < 3; i++) {
		Town::Disk &disk = town.add(1);

		REQUIRE(disk.connect(8000));
		const u32 reach = disk.reach();
		/* Each one less than that before, but enough for any one request. */
		CHECK(reach < before && reach > 257 - 11);
		before = reach;
	}
	/* Another guest's is its own. */
	Town::Disk &other = town.add(2);

	REQUIRE(other.connect(8000));
	CHECK(other.reach() > 1024 - 11);
}

TBK_TEST(disk_for_which_nothing_is_left_is_refused)
{
	Town town;
	Town::Disk &first = town.add(1);
	Town::Disk &second = town.add(1);

	REQUIRE(first.connect(1400));
	CHECK(!second.connect(1400));
	CHECK(second.guest.state() == State::closing);
	CHECK(second.guest.error().find("max_guest_pages, 1400") != std::string::npos);
	CHECK_EQ(second.guest.pages_mapped(), 0u);
	CHECK(first.reach() > 257 - 11);
	/* It is allowed more, and tries again. */
	second.guest.go(State::closed);
	CHECK(second.guest.wait_for(State::closed));
	second.guest.go(State::initialising);
	CHECK(second.guest.wait_for(State::init_wait));
	CHECK(second.connect(3000));
}

TBK_TEST(what_a_disk_took_comes_back_when_it_closes)
{
	Town town;
	Town::Disk &first = town.add(1);
	Town::Disk &second = town.add(1);

	for (u32 i = 0; i < 5; i++) {
		Town::Disk &one = i % 2 ? first : second;

		REQUIRE(one.connect(1400));
		one.guest.go(State::closed);
		REQUIRE(one.guest.wait_for(State::closed));
		one.guest.go(State::initialising);
		REQUIRE(one.guest.wait_for(State::init_wait));
	}
}

TBK_TEST(failed_connection_takes_nothing)
{
	Town town;
	Town::Disk &first = town.add(1);
	Town::Disk &second = town.add(1);

	for (u32 i = 0; i < 3; i++) {
		first.guest.limits.guest_pages = 1400;
		REQUIRE(first.guest.wait_for(State::init_wait));
		first.guest.connect(xen::Abi::x86_64, State::init_wait, layout);
		first.guest.frontend["queue-1/ring-ref7"] = "nowhere";
		first.guest.go(State::initialised);
		REQUIRE(first.guest.wait_for(State::closing));
		first.guest.frontend.clear();
		first.guest.go(State::closed);
		REQUIRE(first.guest.wait_for(State::closed));
		first.guest.go(State::initialising);
	}
	CHECK(second.connect(1400));
}
