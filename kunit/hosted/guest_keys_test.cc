// SPDX-License-Identifier: GPL-2.0
/* What a guest is told of its disk in xenstore, and that it is true. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr int okay = 0;
constexpr int error = -1;
constexpr int unsupported = -2;

} // namespace

TBK_TEST(optical_and_removable_disks_are_told_of)
{
	MemoryDevice device(1 << 20, ring_device_options());

	for (u32 bits = 0; bits < 8; bits++) {
		struct tbk_vbd_target target = ring_target(device);

		target.cdrom = bits & xen::info_cdrom;
		target.removable = bits & xen::info_removable;
		target.read_only = bits & xen::info_read_only;
		Guest guest(target);
		guest.connect();
		REQUIRE(guest.wait_for(State::connected));
		CHECK_EQ(guest.backend["info"], bits);
	}
}

TBK_TEST(large_sectors_are_told_of_in_units_of_512)
{
	MemoryDevice::Options options = ring_device_options();

	options.logical_block = 4096;
	RingRig rig(options);
	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.guest.backend["sectors"], (4u << 20) / 512);
	CHECK_EQ(rig.guest.backend["sector-size"], 4096u);
	CHECK_EQ(rig.guest.backend["physical-sector-size"], 4096u);
	/* The last of them, and what is half of two. */
	CHECK_EQ(rig.write((4u << 20) / 512 - 8, 5), okay);
	CHECK_EQ(rig.read((4u << 20) / 512 - 8), 5);
	CHECK_EQ(rig.write(4, 5), error);
}

TBK_TEST(device_without_a_cache_is_said_to_need_no_flush)
{
	MemoryDevice::Options options = ring_device_options();

	options.volatile_cache = false;
	RingRig rig(options);
	REQUIRE(rig.connect({}));
	CHECK(rig.guest.backend.count("feature-flush-cache") == 1);
	CHECK_EQ(rig.guest.backend["feature-flush-cache"], 0u);
	CHECK_EQ(rig.guest.backend["feature-barrier"], 0u);
	CHECK_EQ(rig.ask({ xen::op_flush, 1, 0, {}, 0, 7 }), okay);
	CHECK_EQ(rig.ask({ xen::op_barrier, 2, 0, {}, 0, 7 }), unsupported);
}

TBK_TEST(keys_that_cannot_be_written_close_the_disk)
{
	RingRig rig;

	CHECK(rig.guest.wait_for(State::init_wait));
	rig.guest.fail_publish();
	rig.guest.connect(xen::Abi::x86_64, State::initialised, { .queues = 2 });
	CHECK(rig.guest.wait_for(State::closing));
	CHECK(!rig.guest.error().empty());
	hosted_sleep_ms(10);
	CHECK_EQ(rig.guest.pages_mapped(), 0u);
	for (const State state : rig.guest.states())
		CHECK(state != State::connected);
}
