// SPDX-License-Identifier: GPL-2.0
#include "space_rig.h"

using namespace thinback;

TBK_TEST(space_write_then_open_finds_the_same)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;

	CHECK(use_up(pool, home, group_blocks - fixed_0 - 77));
	CHECK(use_up(pool, home, 100));
	const u64 free = pool.space->free_blocks();

	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.super.free.get(), free);
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), free);
	/* All of it is there to be taken, and none twice. */
	Home other;
	CHECK(use_up(pool, other, free));
	CHECK(!use_up(pool, other, 1));
}

TBK_TEST(space_write_leaves_next_epoch_out)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK(use_up(pool, home, 10));
	pool.flip();
	CHECK(use_up(pool, home, 100));
	CHECK_OK(pool.write_out());
	CHECK_EQ(pool.super.free.get(), pool.empty - 10);
	const format::Superblock &super = pool.super;
	auto reopened = Space::open(*pool.device, super);

	REQUIRE_OK(reopened);
	CHECK_EQ(reopened.value()->free_blocks(), pool.empty - 10);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.super.free.get(), pool.empty - 110);
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 110);
}

TBK_TEST(space_write_without_changes_writes_nothing)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK_OK(pool.space->take(home, Want()));
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.device->writes(), 0);
	CHECK_EQ(pool.super.summaries[0], 0);
	CHECK(use_up(pool, home, 1));
	CHECK_OK(write_epoch(pool));
	/* A bitmap and the summary. */
	CHECK_EQ(pool.device->writes(), 2);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.device->writes(), 2);
}

TBK_TEST(space_write_goes_to_the_other_slot)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK(use_up(pool, home, 10));
	CHECK_OK(write_epoch(pool));
	/* What the last checkpoint says must be there as long as the next one is not. */
	auto &before = *static_cast<format::Superblock *>(
		tbk_alloc(sizeof(format::Superblock), TBK_MAY_SLEEP));

	for (u32 i = 0; i < 5; i++) {
		__builtin_memcpy(&before, &pool.super, sizeof(before));
		CHECK(use_up(pool, home, 10));
		CHECK_OK(write_epoch(pool));
		auto old = Space::open(*pool.device, before);

		REQUIRE_OK(old);
		CHECK_EQ(old.value()->free_blocks(), pool.empty - 10ull * (i + 1));
		Home other;
		CHECK_OK(old.value()->take(other, metadata()));
	}
	tbk_free(&before);
}

TBK_TEST(space_write_says_which_blocks_a_bitmap_covers)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;
	format::BlockHeader header{};

	CHECK(use_up(pool, home, pool.empty));
	CHECK_OK(write_epoch(pool));
	for (u64 g = 0; g < 2; g++) {
		for (u64 i = 0; i < format::bitmaps_per_group; i++) {
			const u64 at = format::first_bitmap(g) + 2 * i + 1;
			const u64 low = g * group_blocks + i * format::bitmap_bits;

			pool.device->read(at * format::block_size, &header, sizeof(header));
			CHECK_EQ(header.self.get(), at);
			CHECK_EQ(header.low.get(), low);
			CHECK_EQ(header.high.get(),
				 min(low + format::bitmap_bits, (g + 1) * group_blocks));
		}
	}
}

TBK_TEST(space_write_reports_io_error)
{
	for (u32 n = 1; n <= 2; n++) {
		REQUIRE_POOL(pool, format::smallest_pool);
		Home home;

		CHECK(use_up(pool, home, 10));
		pool.device->fail_write(n);
		CHECK(write_epoch(pool).error() == Err::io_error);
	}
}

namespace {

/* A pool of two checkpoints, of which the second one's write of @block was lost. */
Status lose_write(SmallPool &pool, Home &home, u64 block)
{
	u8 *old = static_cast<u8 *>(tbk_alloc(format::block_size, TBK_MAY_SLEEP));

	if (!old)
		return Err::no_memory;
	for (u32 i = 0; i < 3; i++) {
		if (i == 2)
			pool.device->read(block * format::block_size, old, format::block_size);
		if (!use_up(pool, home, 10))
			return Err::no_space;
		TBK_TRY(write_epoch(pool));
	}
	const Status lost = pool.device->write(block * format::block_size, old, format::block_size);

	tbk_free(old);
	return lost;
}

} // namespace

TBK_TEST(space_lost_write_of_bitmap_is_noticed)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK_OK(lose_write(pool, home, format::first_bitmap(0) + 1));
	CHECK_OK(pool.reopen());
	CHECK(pool.space->take(home, metadata()).error() == Err::stale);
}

TBK_TEST(space_lost_write_of_summary_is_noticed)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK_OK(lose_write(pool, home, format::first_summary(0) + 1));
	CHECK(Space::open(*pool.device, pool.super).error() == Err::stale);
}

TBK_TEST(space_damaged_bitmap_is_noticed)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	const u64 at = (format::first_bitmap(0) + 1) * format::block_size;
	u8 byte = 0;

	CHECK(use_up(pool, home, 10));
	CHECK_OK(write_epoch(pool));
	pool.device->read(at + 1000, &byte, 1);
	byte ^= 4;
	CHECK_OK(pool.device->write(at + 1000, &byte, 1));
	CHECK_OK(pool.reopen());
	Home other;
	CHECK(pool.space->take(other, metadata()).error() == Err::bad_checksum);
}
