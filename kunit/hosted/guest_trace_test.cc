// SPDX-License-Identifier: GPL-2.0
/* What the core tells whoever looks: each event for a request that is known. */
#include "../../drivers/hosted/trace.h"
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr GuestLayout persistent = { .is_persistent = true };

/* How many pages of a kind. */
u32 pages(const HostedTrace &trace, enum tbk_grants_trace what)
{
	u32 count = 0;

	for (const auto &one : trace.grants)
		count += one.what == what ? one.count : 0;
	return count;
}

/* A guest whose disk is a volume of a pool that has been flushed once. */
struct VolumeRig {
	VolumeRig() : device(256 << 20, ring_device_options())
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		is_ok = !tbk_pool_format(&device, &options, nullptr) &&
			!tbk_pool_open(&device, 0, &pool, nullptr) &&
			!tbk_volume_create(pool, "disk", 8 << 20, 0, nullptr) &&
			!tbk_volume_open(pool, "disk", nullptr, 0, &volume, nullptr);
		guest = std::make_unique<Guest>(tbk_vbd_target{ volume, nullptr, 0, 0, 0, 1 });
		guest->connect();
		is_ok = is_ok && guest->wait_for(State::connected) && ask(xen::op_write, 0) == 0 &&
			ask(xen::op_flush, 0) == 0;
	}
	~VolumeRig()
	{
		guest.reset();
		tbk_volume_close(volume);
		tbk_pool_close(pool, nullptr);
	}
	VolumeRig(const VolumeRig &) = delete;
	VolumeRig &operator=(const VolumeRig &) = delete;

	/* Of @count blocks from @block on, or none of a flush. */
	int ask(u8 operation, u64 block, u32 count = 1)
	{
		GuestIo io = { operation, 5, block * 8, {}, 0, 7 };
		GuestReply reply = {};

		for (u32 i = 0; i < count && operation != xen::op_flush; i++)
			io.grants.push_back(guest->grant());
		guest->put(io);
		guest->kick();
		return guest->take(reply) ? reply.status : 99;
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	struct tbk_volume *volume = nullptr;
	std::unique_ptr<Guest> guest;
	bool is_ok = false;
};

} // namespace

TBK_TEST(requests_are_told_of_at_both_ends)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	HostedTrace trace;
	GuestIo io = { xen::op_write, 11, 24, { rig.guest.grant(), rig.guest.grant() }, 0, 7 };

	CHECK_EQ(rig.ask(io), 0);
	/* Past the end. */
	CHECK_EQ(rig.ask({ xen::op_read, 12, 1 << 20, { rig.guest.grant() }, 0, 7 }), -1);
	io.id = 13;
	io.is_indirect = true;
	CHECK_EQ(rig.ask(io), 0);

	REQUIRE_EQ(trace.taken.size(), 2u);
	REQUIRE_EQ(trace.answered.size(), 3u);
	for (const auto &one : { trace.taken[0], trace.answered[0] }) {
		CHECK_EQ(one.id, 11u);
		CHECK_EQ(one.operation, u32{ xen::op_write });
		CHECK_EQ(one.sector, 24u);
		CHECK_EQ(one.bytes, 8192u);
		CHECK_EQ(one.status, 0);
	}
	CHECK(trace.answered[0].ns > 0);
	/* Of what was refused no more than who asked. */
	CHECK_EQ(trace.answered[1].id, 12u);
	CHECK_EQ(trace.answered[1].status, -1);
	CHECK_EQ(trace.answered[1].sector, 0u);
	CHECK_EQ(trace.answered[1].ns, 0u);
	CHECK_EQ(trace.answered[2].operation, u32{ xen::op_write });
	CHECK_EQ(trace.answered[2].bytes, 8192u);
}

TBK_TEST(long_discard_is_told_of_as_it_was_asked_for)
{
	constexpr u64 sectors = 1 << 21; /* a GiB */
	RingRig rig(ring_device_options(), { .bytes = sectors * 512 });
	GuestIo io = { xen::op_discard, 11, 24, {}, 0, 7 };

	io.discarded = sectors - 48;
	REQUIRE(rig.connect({}));
	HostedTrace trace;

	CHECK_EQ(rig.ask(io), 0);
	CHECK_EQ(rig.device.counts().discards, 4u);
	REQUIRE_EQ(trace.taken.size(), 1u);
	REQUIRE_EQ(trace.answered.size(), 1u);
	for (const auto &one : { trace.taken[0], trace.answered[0] }) {
		CHECK_EQ(one.sector, 24u);
		CHECK_EQ(one.bytes, (sectors - 48) * 512);
	}
}

TBK_TEST(pages_are_told_of)
{
	RingRig rig;

	REQUIRE(rig.connect(persistent));
	HostedTrace trace;
	const GuestIo io = { xen::op_read, 1, 0, { rig.guest.grant(), rig.guest.grant() }, 0, 7 };

	CHECK_EQ(rig.ask(io), 0);
	CHECK_EQ(pages(trace, TBK_GRANTS_MAPPED), 2u);
	CHECK_EQ(pages(trace, TBK_GRANTS_KEPT), 0u);
	CHECK_EQ(rig.ask(io), 0);
	CHECK_EQ(pages(trace, TBK_GRANTS_MAPPED), 2u);
	CHECK_EQ(pages(trace, TBK_GRANTS_KEPT), 2u);
	/* One that there is not is none. */
	CHECK_EQ(rig.ask({ xen::op_read, 2, 0, { 99999 }, 0, 7 }), -1);
	CHECK_EQ(pages(trace, TBK_GRANTS_MAPPED), 2u);
	CHECK_EQ(pages(trace, TBK_GRANTS_UNMAPPED), 0u);
	REQUIRE(rig.close());
	CHECK_EQ(pages(trace, TBK_GRANTS_UNMAPPED), 2u);
}

TBK_TEST(way_to_the_device_is_told_of)
{
	VolumeRig rig;

	REQUIRE(rig.is_ok);
	HostedTrace trace;

	CHECK_EQ(rig.ask(xen::op_write, 100, 3), 0);
	REQUIRE_EQ(trace.allocated.size(), 1u);
	REQUIRE_EQ(trace.committed.size(), 1u);
	REQUIRE(!trace.lookups.empty());
	CHECK_EQ(trace.lookups[0].block, 100u);
	CHECK_EQ(trace.lookups[0].target, 0u);
	for (const auto &run : { trace.allocated[0], trace.committed[0] }) {
		CHECK_EQ(run.block, 100u);
		CHECK_EQ(run.count, 3u);
		CHECK_EQ(run.volume, trace.lookups[0].volume);
		CHECK_EQ(run.target, trace.allocated[0].target);
	}
	CHECK(trace.journal.empty());
	CHECK_EQ(rig.ask(xen::op_flush, 0), 0);
	REQUIRE_EQ(trace.journal.size(), 1u);
	CHECK_EQ(trace.journal[0].records, 1u);
	CHECK_EQ(trace.journal[0].blocks, 1u);
	CHECK_EQ(trace.journal[0].error, 0);
	CHECK(trace.journal[0].ns > 0);

	trace.lookups.clear();
	CHECK_EQ(rig.ask(xen::op_read, 101, 1), 0);
	REQUIRE_EQ(trace.lookups.size(), 1u);
	CHECK_EQ(trace.lookups[0].target, trace.allocated[0].target + 1);
	CHECK_EQ(trace.allocated.size(), 1u);
}

TBK_TEST(nothing_is_told_to_nobody)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	{
		HostedTrace trace;
	}
	/* Whoever was told would not be there. */
	CHECK_EQ(rig.write(0, 1), 0);
	CHECK_EQ(tbk_traced, 0u);
}
