// SPDX-License-Identifier: GPL-2.0
#include "space_rig.h"

using namespace thinback;

namespace {

/* What a space of @blocks has when it is new. */
u64 empty_of(u64 blocks)
{
	auto made = SmallPool::create(blocks);

	return made.is_ok() ? made.value()->empty : 0;
}

/* Of a full pool: nothing new is given out, or told of on disk, before the epoch of the growth is durable. */
void grow_full(struct kunit *test, u64 from, u64 to)
{
	auto made = SmallPool::create(from, to - from);
	REQUIRE_OK(made);
	SmallPool &pool = *made.value();
	Home home;
	const u64 gained = empty_of(to) - pool.empty;

	CHECK(use_up(pool, home, pool.empty));
	pool.flip();
	CHECK_OK(pool.space->make_room(to));
	pool.space->grow(pool.epoch, from, to);
	CHECK(!use_up(pool, home, 1));
	CHECK_OK(pool.write_out());
	CHECK_EQ(pool.super.blocks.get(), from);
	CHECK_EQ(pool.super.free.get(), 0);
	CHECK(!use_up(pool, home, 1));
	CHECK_EQ(pool.space->geometry().blocks, from);
	CHECK(!pool.space->is_sound(from, 1));

	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.super.blocks.get(), to);
	CHECK_EQ(pool.super.groups.get(), (to + group_blocks - 1) / group_blocks);
	CHECK_EQ(pool.super.free.get(), gained);
	CHECK_EQ(pool.space->free_blocks(), gained);
	CHECK_EQ(pool.space->geometry().blocks, to);
	CHECK_OK(pool.reopen());
	Home other;
	CHECK(use_up(pool, other, gained));
	CHECK(!use_up(pool, other, 1));
	CHECK_OK(write_epoch(pool));
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), 0);
}

} // namespace

TBK_TEST(space_grown_within_a_group_waits_for_its_epoch)
{
	grow_full(test, format::smallest_pool, format::smallest_pool + 5000);
}

TBK_TEST(space_grown_by_groups_waits_for_its_epoch)
{
	grow_full(test, format::smallest_pool, 2 * group_blocks + 777);
	grow_full(test, group_blocks, 2 * group_blocks);
}

TBK_TEST(space_last_group_too_small_for_its_bitmaps_grows)
{
	grow_full(test, group_blocks + 10, group_blocks + 5000);
}

TBK_TEST(space_that_has_another_size_does_not_grow)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK_OK(pool.space->make_room(group_blocks));
	pool.space->grow(pool.epoch, format::smallest_pool - 1, group_blocks);
	pool.space->grow(pool.epoch, format::smallest_pool, group_blocks - 1000);
	pool.space->grow(pool.epoch, format::smallest_pool, group_blocks);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.super.blocks.get(), group_blocks - 1000);
	CHECK_EQ(pool.space->geometry().blocks, group_blocks - 1000);
}
