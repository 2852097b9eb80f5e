// SPDX-License-Identifier: GPL-2.0
/* Requests to one block that meet on the device. */
#include <string.h>

#include <thinback/entry.h>

#include "../../drivers/hosted/devices.h"
#include "../harness/check.h"
#include "asked.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u32 block_sectors = 8;

struct Pool {
	Pool() : device(256 * mib, { .asynchronous = true })
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		if (!tbk_pool_format(&device, &options, nullptr) &&
		    !tbk_pool_open(&device, 0, &pool, nullptr) &&
		    !tbk_volume_create(pool, "disk", mib, 0, nullptr))
			(void)tbk_volume_open(pool, "disk", nullptr, 0, &volume, nullptr);
	}
	~Pool()
	{
		if (volume)
			tbk_volume_close(volume);
		if (pool)
			tbk_pool_close(pool, nullptr);
	}
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	struct tbk_volume *volume = nullptr;
};

} // namespace

/* The whole block used to be read and written back, and what had been written to its rest was gone. */
TBK_TEST(zeroes_of_a_part_leave_what_is_written_to_the_rest)
{
	Pool pool;
	Asked first;
	Asked zeroes;
	Asked second;
	Asked read;

	REQUIRE(pool.volume);
	memset(first.bytes, 1, sizeof(first.bytes));
	first.submit(pool.volume, TBK_OP_WRITE, 0, block_sectors * 512);
	REQUIRE_EQ(first.wait(), 0);

	pool.device.hold();
	zeroes.submit(pool.volume, TBK_OP_WRITE_ZEROES, 0, 4 * 512);
	hosted_sleep_ms(1);
	memset(second.bytes, 2, sizeof(second.bytes));
	second.submit(pool.volume, TBK_OP_WRITE, 4, 4 * 512);
	hosted_sleep_ms(1);
	pool.device.let_go();
	REQUIRE_EQ(zeroes.wait(), 0);
	REQUIRE_EQ(second.wait(), 0);

	read.submit(pool.volume, TBK_OP_READ, 0, block_sectors * 512);
	REQUIRE_EQ(read.wait(), 0);
	CHECK_EQ(read.bytes[0], 0);
	CHECK_EQ(read.bytes[2047], 0);
	CHECK_EQ(read.bytes[2048], 2);
	CHECK_EQ(read.bytes[4095], 2);
}

/* The first of many in flight at once is in the request itself, the others come from a reserve. */
TBK_TEST(requests_on_mapped_blocks_allocate_nothing)
{
	Pool pool;
	Asked asked[16];

	REQUIRE(pool.volume);
	for (u64 i = 0; i < 16; i++)
		asked[i].submit(pool.volume, TBK_OP_WRITE, i * block_sectors, TBK_BLOCK);
	for (const Asked &one : asked)
		CHECK_EQ(one.wait(), 0);
	CHECK_EQ(tbk_pool_sync(pool.pool), 0);
	hosted_fail_alloc_after(1);
	for (u64 round = 0; round < 100; round++) {
		for (u64 i = 0; i < 16; i++) {
			asked[i].is_done = false;
			asked[i].submit(pool.volume, round % 2 ? TBK_OP_READ : TBK_OP_WRITE,
					i * block_sectors, TBK_BLOCK);
		}
		for (const Asked &one : asked)
			CHECK_EQ(one.wait(), 0);
	}
	CHECK(!hosted_alloc_failed());
	hosted_fail_alloc_after(0);
}

/* It waited for a checkpoint that is never written. A fuzzer found it. */
TBK_TEST(settling_of_a_read_only_pool_ends)
{
	Pool rig;

	REQUIRE(rig.volume);
	tbk_volume_close(rig.volume);
	rig.volume = nullptr;
	REQUIRE_EQ(tbk_pool_close(rig.pool, nullptr), 0);
	rig.pool = nullptr;
	REQUIRE_EQ(tbk_pool_open(&rig.device, TBK_POOL_READ_ONLY, &rig.pool, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(tbk_pool_sync(rig.pool), 0);
}
