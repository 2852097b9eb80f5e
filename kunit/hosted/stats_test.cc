// SPDX-License-Identifier: GPL-2.0
/* What is counted of requests, and how long they took by the simulated clock. */
#include <thinback/entry.h>
#include <thinback/io_stats.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/guest.h"
#include "../harness/check.h"
#include "asked.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 us = 1000;
constexpr u32 block_sectors = 8;

/* A pool with a volume, on a device that takes 3 ms for each request. */
struct Pool {
	Pool() : device(256 * mib, { .asynchronous = true, .latency_ns = 3000 * us })
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		if (!tbk_pool_format(&device, &options, nullptr) &&
		    !tbk_pool_open(&device, 0, &pool, nullptr) &&
		    !tbk_volume_create(pool, "disk", mib, 0, nullptr))
			open();
	}
	~Pool()
	{
		close();
		if (pool)
			tbk_pool_close(pool, nullptr);
	}
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;

	void open() { (void)tbk_volume_open(pool, "disk", nullptr, 0, &volume, nullptr); }
	void close()
	{
		if (volume)
			tbk_volume_close(volume);
		volume = nullptr;
	}

	int ask(u32 op, u64 block, u64 bytes = TBK_BLOCK)
	{
		Asked asked;

		asked.submit(volume, op, block * block_sectors, bytes);
		return asked.wait();
	}

	struct tbk_op_stats stats(enum tbk_stat kind) const
	{
		struct tbk_op_stats stats {};

		if (tbk_pool_read_stats(pool, "disk", kind, &stats))
			stats.errors = ~0ull;
		return stats;
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	struct tbk_volume *volume = nullptr;
};

u64 requests(const struct tbk_op_stats &stats)
{
	u64 sum = 0;

	for (const u64 some : stats.latency)
		sum += some;
	return sum;
}

} // namespace

TBK_TEST(buckets_begin_at_powers_of_two)
{
	CHECK_EQ(IoStats::bucket_of(0), 0u);
	CHECK_EQ(IoStats::bucket_of(us - 1), 0u);
	CHECK_EQ(IoStats::bucket_of(us), 1u);
	for (u32 i = 1; i + 1 < TBK_LATENCY_BUCKETS; i++) {
		CHECK_EQ(IoStats::bucket_of((us << i) - 1), i);
		CHECK_EQ(IoStats::bucket_of(us << i), i + 1);
	}
	CHECK_EQ(IoStats::bucket_of(~0ull), TBK_LATENCY_BUCKETS - 1u);
}

/* 3 ms are less than 2^12 us. */
TBK_TEST(requests_are_counted_by_kind_and_time)
{
	Pool rig;

	REQUIRE(rig.volume);
	CHECK_EQ(rig.ask(TBK_OP_READ, 0), 0);
	CHECK_EQ(rig.ask(TBK_OP_WRITE, 0), 0);
	CHECK_EQ(rig.ask(TBK_OP_WRITE, 0, 512), 0);
	CHECK_EQ(rig.ask(TBK_OP_READ, 0), 0);
	CHECK_EQ(rig.ask(TBK_OP_READ, 0, 512), 0);
	CHECK_EQ(rig.ask(TBK_OP_FLUSH, 0, 0), 0);
	CHECK_EQ(rig.ask(TBK_OP_DISCARD, 0), 0);
	CHECK_EQ(rig.ask(TBK_OP_WRITE_ZEROES, 1), 0);

	const struct tbk_op_stats reads = rig.stats(TBK_STAT_READ);
	CHECK_EQ(reads.latency[0], 1u); /* of what nobody had written: no I/O */
	CHECK_EQ(reads.latency[12], 2u);
	CHECK_EQ(requests(reads), 3u);
	CHECK_EQ(reads.bytes, 2u * TBK_BLOCK + 512);
	CHECK_EQ(reads.errors, 0u);

	const struct tbk_op_stats writes = rig.stats(TBK_STAT_WRITE);
	CHECK_EQ(writes.latency[12], 1u); /* in place; the other had bitmaps to read first */
	CHECK_EQ(writes.latency[0], 0u);
	CHECK_EQ(requests(writes), 2u);
	CHECK_EQ(writes.bytes, TBK_BLOCK + 512u);

	const struct tbk_op_stats flushes = rig.stats(TBK_STAT_FLUSH);
	CHECK_EQ(requests(flushes), 1u);
	CHECK_EQ(flushes.latency[0], 0u);
	CHECK_EQ(flushes.bytes, 0u);

	const struct tbk_op_stats discards = rig.stats(TBK_STAT_DISCARD);
	CHECK_EQ(requests(discards), 2u);
	CHECK_EQ(discards.bytes, 2u * TBK_BLOCK);
}

TBK_TEST(failed_request_is_an_error_and_no_bytes)
{
	Pool rig;

	REQUIRE(rig.volume);
	CHECK_EQ(rig.ask(TBK_OP_WRITE, 0), 0);
	rig.device.fail_read(1);
	CHECK_EQ(rig.ask(TBK_OP_READ, 0), -TBK_EIO);
	const struct tbk_op_stats reads = rig.stats(TBK_STAT_READ);
	CHECK_EQ(reads.errors, 1u);
	CHECK_EQ(reads.bytes, 0u);
	CHECK_EQ(requests(reads), 1u);
	CHECK_EQ(rig.stats(TBK_STAT_WRITE).errors, 0u);
}

TBK_TEST(counters_outlive_the_handle)
{
	Pool rig;
	struct tbk_op_stats stats {};

	REQUIRE(rig.volume);
	CHECK_EQ(rig.ask(TBK_OP_WRITE, 0), 0);
	rig.close();
	CHECK_EQ(requests(rig.stats(TBK_STAT_WRITE)), 1u);
	rig.open();
	REQUIRE(rig.volume);
	CHECK_EQ(rig.ask(TBK_OP_WRITE, 0), 0);
	CHECK_EQ(requests(rig.stats(TBK_STAT_WRITE)), 2u);

	CHECK_EQ(tbk_pool_read_stats(rig.pool, "none", TBK_STAT_READ, &stats), -TBK_ENOENT);
	REQUIRE_EQ(tbk_volume_create(rig.pool, "new", mib, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_read_stats(rig.pool, "new", TBK_STAT_READ, &stats), 0);
	CHECK_EQ(requests(stats), 0u);
}

/* Whichever it is that cannot be had, there is no handle, and nothing is left behind. */
TBK_TEST(opening_without_memory_for_counters_fails)
{
	Pool rig;
	u64 n = 1;

	REQUIRE(rig.volume);
	REQUIRE_EQ(tbk_volume_create(rig.pool, "new", mib, 0, nullptr), 0);
	for (;; n++) {
		struct tbk_volume *volume = nullptr;

		hosted_fail_alloc_after(n);
		const int error = tbk_volume_open(rig.pool, "new", nullptr, 0, &volume, nullptr);

		hosted_fail_alloc_after(0);
		if (!error) {
			tbk_volume_close(volume);
			break;
		}
		CHECK_EQ(error, -TBK_ENOMEM);
		CHECK(!volume);
	}
	CHECK(n >= 4); /* the handle, what does its requests, the counters */
}

TBK_TEST(guest_is_counted_from_the_ring_and_back)
{
	Pool rig;
	struct tbk_op_stats stats {};
	GuestReply reply = {};

	REQUIRE(rig.volume);
	REQUIRE_EQ(rig.ask(TBK_OP_WRITE, 0), 0); /* the guest's is in place */
	{
		Guest guest({ rig.volume, nullptr, 0, 0, 0, 1 });
		const u32 page = guest.grant();

		guest.connect();
		REQUIRE(guest.wait_for(xen::State::connected));
		guest.put({ xen::op_write, 1, 0, { page }, 0, 7 });
		guest.kick();
		REQUIRE(guest.take(reply));
		CHECK_EQ(reply.status, 0);
		guest.put({ xen::op_flush, 2, 0, {}, 0, 7 });
		guest.kick();
		REQUIRE(guest.take(reply));
		/* Past the end: refused, and never began. */
		guest.put({ xen::op_read, 3, mib / 512, { page }, 0, 7 });
		guest.kick();
		REQUIRE(guest.take(reply));
		CHECK(reply.status != 0);

		tbk_vbd_read_op_stats(guest.vbd(), TBK_STAT_WRITE, &stats);
		CHECK_EQ(stats.latency[12], 1u);
		CHECK_EQ(requests(stats), 1u);
		CHECK_EQ(stats.bytes, TBK_BLOCK);
		tbk_vbd_read_op_stats(guest.vbd(), TBK_STAT_FLUSH, &stats);
		CHECK_EQ(requests(stats), 1u);
		tbk_vbd_read_op_stats(guest.vbd(), TBK_STAT_READ, &stats);
		CHECK_EQ(requests(stats), 0u);
		guest.leave();
	}
	/* The volume counts the guest's as its own. */
	CHECK_EQ(requests(rig.stats(TBK_STAT_WRITE)), 2u);
}
