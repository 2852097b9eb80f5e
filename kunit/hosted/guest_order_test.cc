// SPDX-License-Identifier: GPL-2.0
/* Discards, and barriers: what may pass what. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr int okay = 0;
constexpr int error = -1;
constexpr int unsupported = -2;

GuestIo discard(u64 id, u64 sector, u64 sectors)
{
	GuestIo io = { xen::op_discard, id, sector, {}, 0, 7 };

	io.discarded = sectors;
	return io;
}

} // namespace

TBK_TEST(discard_reaches_a_device)
{
	for (const xen::Abi abi : { xen::Abi::x86_64, xen::Abi::x86_32 }) {
		RingRig rig;
		struct tbk_vbd_stats stats = {};

		REQUIRE(rig.connect({}, abi));
		CHECK_EQ(rig.guest.backend["feature-discard"], 1u);
		CHECK_EQ(rig.guest.backend["discard-granularity"], 4096u);
		CHECK_EQ(rig.guest.backend["discard-secure"], 0u);
		CHECK_EQ(rig.write(0, 1), okay);
		CHECK_EQ(rig.write(8, 2), okay);
		CHECK_EQ(rig.ask(discard(1, 8, 8192 - 8)), okay);
		CHECK_EQ(rig.device.counts().bytes_discarded, (8192u - 8) * 512);
		CHECK_EQ(rig.read(0), 1);
		CHECK_EQ(rig.read(8), 0);
		tbk_vbd_read_stats(rig.guest.vbd(), &stats);
		CHECK_EQ(stats.discards, 1u);
		CHECK_EQ(stats.sectors_written, 16u);
	}
}

namespace {

void check_not_offered(struct kunit *test, const struct tbk_vbd_target &target)
{
	Guest guest(target);
	GuestReply reply = {};

	guest.connect();
	REQUIRE(guest.wait_for(State::connected));
	CHECK_EQ(guest.backend["feature-discard"], 0u);
	CHECK_EQ(guest.backend["discard-granularity"], 0u);
	guest.put(discard(1, 0, 8));
	guest.kick();
	REQUIRE(guest.take(reply));
	CHECK_EQ(reply.status, unsupported);
}

} // namespace

TBK_TEST(discard_is_offered_only_where_it_works)
{
	MemoryDevice::Options options = ring_device_options();
	MemoryDevice able(1 << 20, options);

	options.discards = false;
	MemoryDevice unable(1 << 20, options);

	check_not_offered(test, ring_target(unable));
	struct tbk_vbd_target target = ring_target(able);
	target.read_only = 1;
	check_not_offered(test, target);
	target = ring_target(able);
	target.discard = 0;
	check_not_offered(test, target);
	CHECK_EQ(able.counts().discards, 0u);
}

TBK_TEST(bad_discards_reach_nothing)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.ask(discard(1, 0, 8193)), error);
	CHECK_EQ(rig.ask(discard(2, 8192, 1)), error);
	CHECK_EQ(rig.ask(discard(3, ~0ull, ~0ull)), error);
	CHECK_EQ(rig.ask(discard(4, 8, 0ull - 8)), error);
	CHECK_EQ(rig.ask(discard(5, 8, 0)), okay);
	CHECK_EQ(rig.device.counts().discards, 0u);

	MemoryDevice::Options options = ring_device_options();
	options.logical_block = 4096;
	RingRig large(options);

	REQUIRE(large.connect({}));
	CHECK_EQ(large.ask(discard(1, 4, 8)), error);
	CHECK_EQ(large.ask(discard(2, 8, 4)), error);
	CHECK_EQ(large.ask(discard(3, 8, 8)), okay);
	CHECK_EQ(large.device.counts().discards, 1u);
}

namespace {

GuestIo write_of(Guest &guest, u64 id, u64 sector, u8 value, u8 operation = xen::op_write)
{
	const u32 page = guest.grant();

	memset(guest.page(page), value, xen::page_size);
	return { operation, id, sector, { page }, 0, 7 };
}

} // namespace

TBK_TEST(barrier_goes_alone)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({}));
	CHECK_EQ(rig.guest.backend["feature-barrier"], 1u);
	hosted_sleep_ms(1);
	rig.device.hold();
	rig.guest.put(write_of(rig.guest, 0, 0, 1));
	rig.guest.put(discard(1, 800, 8));
	rig.guest.put(write_of(rig.guest, 2, 8, 1, xen::op_barrier));
	rig.guest.put(write_of(rig.guest, 3, 16, 1));
	rig.guest.kick();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 2u);
	/* Whatever the guest sends meanwhile. */
	rig.guest.put(write_of(rig.guest, 4, 24, 1));
	rig.guest.ring().req_event = rig.guest.ring().req_prod;
	rig.guest.kick();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 2u);
	rig.device.let_go();
	for (u32 i = 0; i < 5; i++) {
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.status, okay);
		CHECK(i < 2 ? reply.id < 2 : i == 2 ? reply.id == 2 : reply.id > 2);
	}
}

namespace {

/* Remembers how its writes were to be made. */
class FlagDevice : public MemoryDevice {
public:
	using MemoryDevice::MemoryDevice;
	std::map<u64, u32> flags; /* of the write at a sector */

protected:
	u64 note_write_submitted(const struct tbk_io &io) override
	{
		flags[io.sector] = io.flags & (TBK_IO_PREFLUSH | TBK_IO_FUA);
		return 0;
	}
};

} // namespace

TBK_TEST(barrier_is_flushed_and_durable)
{
	FlagDevice device(1 << 20, ring_device_options());
	Guest guest(ring_target(device));
	GuestReply reply = {};

	guest.connect();
	REQUIRE(guest.wait_for(State::connected));
	guest.put(write_of(guest, 0, 0, 1));
	guest.put(write_of(guest, 1, 8, 1, xen::op_barrier));
	guest.put({ xen::op_barrier, 2, 0, {}, 0, 7 });
	guest.kick();
	for (u32 i = 0; i < 3; i++)
		REQUIRE(guest.take(reply));
	CHECK_EQ(device.flags[0], 0u);
	CHECK_EQ(device.flags[8], TBK_IO_PREFLUSH | TBK_IO_FUA);
	/* That with data, and that without. */
	CHECK(device.counts().flushes >= 2);
}

TBK_TEST(barrier_orders_what_overlaps)
{
	MemoryDevice::Options options = ring_device_options();

	options.late = 3;
	for (u32 round = 0; round < 50; round++) {
		RingRig rig(options);
		GuestReply reply = {};
		u64 id = 0;

		REQUIRE(rig.connect({ .queues = 1, .order = 1 }));
		/* All to the same place: the last written is what is found. */
		for (u8 value = 1; value <= 20; value++) {
			const bool is_barrier = value % 2 == 0 || hosted_pick(4) == 0;

			if (!is_barrier)
				rig.guest.put({ xen::op_barrier, id++, 0, {}, 0, 7 });
			rig.guest.put(write_of(rig.guest, id++, 0, value,
					       is_barrier ? xen::op_barrier : xen::op_write));
			if (hosted_pick(3) == 0)
				rig.guest.kick();
		}
		rig.guest.kick();
		for (u64 i = 0; i < id; i++) {
			REQUIRE(rig.guest.take(reply));
			CHECK_EQ(reply.id, i);
		}
		CHECK_EQ(rig.read(0), 20);
	}
}

TBK_TEST(barrier_behind_barrier_waits)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect_and_hold());
	for (u64 id = 0; id < 32; id++)
		rig.guest.put({ xen::op_barrier, id, 0, {}, 0, 7 });
	rig.guest.kick();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 1u);
	rig.device.let_go();
	for (u64 id = 0; id < 32; id++) {
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.id, id);
	}
	CHECK_EQ(rig.write(0, 1), okay);
}

TBK_TEST(waiting_barrier_is_left_to_the_next)
{
	RingRig rig;

	REQUIRE(rig.connect_and_hold());
	rig.guest.put(write_of(rig.guest, 0, 0, 1));
	rig.guest.put({ xen::op_barrier, 1, 0, {}, 0, 7 });
	rig.guest.put(write_of(rig.guest, 2, 0, 2));
	rig.guest.kick();
	hosted_sleep_ms(10);
	rig.leave_while_held();
	CHECK_EQ(rig.guest.ring().rsp_prod, 1u);
	CHECK_EQ(rig.device.counts().writes, 1u);
	CHECK_EQ(rig.device.counts().flushes, 0u);
}

TBK_TEST(barrier_is_not_offered_to_several_rings)
{
	RingRig rig;

	REQUIRE(rig.connect({ .queues = 2 }));
	CHECK_EQ(rig.guest.backend["feature-barrier"], 0u);
	CHECK_EQ(rig.guest.backend["feature-flush-cache"], 1u);
	CHECK_EQ(rig.ask({ xen::op_barrier, 1, 0, {}, 0, 7 }, 1), unsupported);
}

TBK_TEST(failing_barrier_is_not_answered_and_closes_the_disk)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({}));
	rig.device.fail_flush(1);
	rig.guest.put({ xen::op_barrier, 1, 0, {}, 0, 7 });
	rig.guest.put(write_of(rig.guest, 2, 0, 2));
	rig.guest.kick();
	CHECK(rig.guest.wait_for(State::closing));
	CHECK(!rig.guest.take(reply));
	CHECK_EQ(rig.device.counts().writes, 0u);
	CHECK(rig.close());
	CHECK(rig.connect({}));
	CHECK_EQ(rig.write(0, 1), okay);
}

namespace {

/* Knows no flushes, alone or with data. */
class PlainDevice : public MemoryDevice {
public:
	PlainDevice(u64 bytes, const Options &options) : MemoryDevice(bytes, options)
	{
		memory_ops_ = *ops;
		plain_ops_ = { submit, ops->info };
		ops = &plain_ops_;
	}

private:
	static void submit(struct tbk_device *device, struct tbk_io *io)
	{
		auto &self = *static_cast<PlainDevice *>(device);

		if (io->op != TBK_OP_FLUSH && !(io->flags & TBK_IO_PREFLUSH)) {
			self.memory_ops_.submit(device, io);
			return;
		}
		io->error = -TBK_EOPNOTSUPP;
		io->done(io);
	}

	struct tbk_device_ops memory_ops_ {};
	struct tbk_device_ops plain_ops_ {};
};

} // namespace

TBK_TEST(flush_that_is_not_known_loses_no_data)
{
	PlainDevice device(1 << 20, ring_device_options());

	for (const u8 operation : { xen::op_flush, xen::op_barrier }) {
		Guest guest(ring_target(device));
		GuestReply reply = {};

		guest.connect();
		REQUIRE(guest.wait_for(State::connected));
		guest.put({ operation, 1, 0, {}, 0, 7 });
		guest.kick();
		REQUIRE(guest.take(reply));
		CHECK_EQ(reply.status, okay);
		/* That one was not written: a guest takes "unsupported" for success. */
		guest.put(write_of(guest, 2, 0, 1, operation));
		guest.kick();
		CHECK(guest.wait_for(State::closing));
		CHECK(!guest.take(reply));
	}
}
