// SPDX-License-Identifier: GPL-2.0
#include "space_rig.h"

using namespace thinback;

TBK_TEST(space_new_pool_has_all_but_fixed_blocks)
{
	REQUIRE_POOL(pool, 2 * group_blocks + 1000);

	CHECK_EQ(pool.empty, 2 * group_blocks + 1000 - fixed_0 - 18 - 18);
	Home home;
	CHECK(use_up(pool, home, pool.empty));
	CHECK_EQ(pool.space->free_blocks(), 0);
	CHECK(pool.space->take(home, metadata()).error() == Err::no_space);
}

/* free + size - fixed went below zero. */
TBK_TEST(space_last_group_too_small_for_its_bitmaps_is_left)
{
	REQUIRE_POOL(pool, group_blocks + 5);

	CHECK_EQ(pool.empty, group_blocks - fixed_0);
	CHECK(!pool.space->is_sound(group_blocks + 2, 1));
	Home home;
	CHECK(use_up(pool, home, pool.empty));
	CHECK(pool.space->take(home, metadata()).error() == Err::no_space);
	CHECK_OK(write_epoch(pool));
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), 0);
}

TBK_TEST(space_is_sound_refuses_fixed_blocks_and_beyond)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	const Space &space = *pool.space;
	const u64 past_journal = format::journal_start + SmallPool::journal_blocks;

	CHECK(!space.is_sound(43, 1) && space.is_sound(44, 1));
	CHECK(space.is_sound(8191, 1) && !space.is_sound(8191, 2));
	CHECK(!space.is_sound(100, 10000) && !space.is_sound(past_journal - 1, 1));
	CHECK(space.is_sound(past_journal, 1000));
	CHECK(space.is_sound(group_blocks - 1, 1) && !space.is_sound(group_blocks - 1, 2));
	CHECK(!space.is_sound(group_blocks + 17, 1) && space.is_sound(group_blocks + 18, 1));
	CHECK(space.is_sound(2 * group_blocks - 1, 1) && !space.is_sound(2 * group_blocks - 1, 2));
	CHECK(!space.is_sound(2 * group_blocks, 1) && !space.is_sound(~0ull, 2));
	CHECK(!space.is_sound(100, 0) && !space.is_sound(100, ~0ull));
}

TBK_TEST(space_take_keeps_back_a_slice_for_metadata)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;
	u64 taken = 0;

	want.count = 100;
	for (;;) {
		auto run = pool.space->take(home, want);

		if (!run.is_ok())
			break;
		REQUIRE(run.value().count >= 1 && run.value().count <= 100);
		taken += run.value().count;
	}
	CHECK_EQ(pool.space->free_blocks(), 256);
	CHECK_EQ(taken, pool.empty - 256);
	CHECK(pool.space->take(home, want).error() == Err::no_space);
	CHECK_OK(pool.space->take(home, metadata()));
}

TBK_TEST(space_take_prefers_goal)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;
	Want want;

	CHECK_OK(pool.space->take(home, want));
	want.goal = 10001;
	want.count = 9;
	auto run = pool.space->take(home, want);

	REQUIRE_OK(run);
	CHECK_EQ(run.value().start, 10001);
	CHECK_EQ(run.value().count, 9);
	want.goal = 9990;
	want.count = 100;
	auto before = pool.space->take(home, want);
	REQUIRE_OK(before);
	CHECK_EQ(before.value().start, 9990);
	CHECK_EQ(before.value().count, 11);
}

TBK_TEST(space_take_goes_on_beside_goal_that_is_taken)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;

	CHECK_OK(pool.space->take(home, want));
	const u64 wrong[] = { 1, 8192, 8200, 20000000, ~0ull, format::smallest_pool };

	for (u64 goal : wrong) {
		want.goal = goal;
		auto run = pool.space->take(home, want);

		REQUIRE_OK(run);
		CHECK(pool.space->is_sound(run.value().start, run.value().count));
	}
}

TBK_TEST(space_take_would_block_when_bitmaps_are_unread)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;

	want.may_wait = false;
	CHECK(pool.space->take(home, want).error() == Err::would_block);
	want.may_wait = true;
	CHECK_OK(pool.space->take(home, want));
	want.may_wait = false;
	CHECK_OK(pool.space->take(home, want));
}

TBK_TEST(space_homes_do_not_share_a_group)
{
	REQUIRE_POOL(pool, 3 * group_blocks);
	Home homes[3];
	const Want want;

	for (Home &home : homes)
		REQUIRE_OK(pool.space->take(home, want));
	CHECK(homes[0].group.load_relaxed() != homes[1].group.load_relaxed());
	CHECK(homes[1].group.load_relaxed() != homes[2].group.load_relaxed());
	CHECK(homes[0].group.load_relaxed() != homes[2].group.load_relaxed());
}

TBK_TEST(space_take_moves_on_when_home_is_full)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;

	CHECK(use_up(pool, home, group_blocks - fixed_0));
	const u32 first = home.group.load_relaxed();
	CHECK(use_up(pool, home, 1000));
	CHECK(home.group.load_relaxed() != first);
}

/* One damaged bitmap made the whole pool refuse writes. */
TBK_TEST(space_take_goes_elsewhere_when_bitmaps_are_bad)
{
	REQUIRE_POOL(pool, 3 * group_blocks);
	Home homes[3];
	const u64 zero = 0;

	for (Home &home : homes)
		CHECK(use_up(pool, home, 10));
	CHECK_OK(write_epoch(pool));
	CHECK_OK(pool.device->write((group_blocks + 1) * format::block_size, &zero, sizeof(zero)));
	CHECK_OK(pool.reopen());

	for (u32 i = 0; i < 6; i++) {
		Home home;

		CHECK_OK(pool.space->take(home, metadata()));
		CHECK(home.group.load_relaxed() != 1);
	}
}

TBK_TEST(space_given_back_can_be_taken_at_once)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;

	want.count = 20;
	auto run = pool.space->take(home, want);
	REQUIRE_OK(run);
	pool.space->give_back(run.value());
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	want.goal = run.value().start;
	CHECK_EQ(pool.space->take(home, want).value().start, run.value().start);
}

namespace {

/* Takes, uses and, in @epoch, frees 7 blocks. */
Run use_and_free(SmallPool &pool, u64 epoch, Space::Freed what)
{
	Home home;
	auto run = pool.space->take(home, metadata(7));

	if (!run.is_ok())
		return {};
	pool.space->use(pool.epoch, run.value());
	if (!pool.space->free(epoch, run.value(), what).is_ok())
		return {};
	return run.value();
}

} // namespace

TBK_TEST(space_freed_data_waits_for_durable_and_reclaim)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Space &space = *pool.space;

	CHECK_EQ(use_and_free(pool, 1, Space::Freed::data).count, 7);
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	CHECK_EQ(space.freeing_blocks(), 7);
	CHECK(!space.reclaim_begin());
	space.reclaim_end(false);
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	space.durable(1);
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	CHECK(space.reclaim_begin());
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	space.reclaim_end(false);
	CHECK_EQ(space.free_blocks(), pool.empty);
	CHECK_EQ(space.freeing_blocks(), 0);
}

TBK_TEST(space_freed_node_waits_for_durable_only)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK_EQ(use_and_free(pool, 1, Space::Freed::node).count, 7);
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 7);
	pool.space->durable(1);
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	CHECK(!pool.space->reclaim_begin());
}

TBK_TEST(space_freed_in_next_epoch_waits_for_that)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK_EQ(use_and_free(pool, 1, Space::Freed::node).count, 7);
	CHECK_EQ(use_and_free(pool, 2, Space::Freed::node).count, 7);
	CHECK_EQ(use_and_free(pool, 2, Space::Freed::data).count, 7);
	pool.space->durable(1);
	CHECK_EQ(pool.space->freeing_blocks(), 14);
	CHECK(!pool.space->reclaim_begin());
	pool.space->durable(2);
	CHECK_EQ(pool.space->freeing_blocks(), 7);
	CHECK(pool.space->reclaim_begin());
	pool.space->reclaim_end(false);
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(space_freed_run_count_outgrows_a_page)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_EQ(use_and_free(pool, 1, Space::Freed::data).count, 7);
	CHECK_EQ(pool.space->freeing_blocks(), 7000);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	CHECK_EQ(pool.space->freeing_blocks(), 0);
	/* Those that the end finds here are not lost. */
	CHECK_EQ(use_and_free(pool, pool.epoch, Space::Freed::data).count, 7);
}
