// SPDX-License-Identifier: GPL-2.0
/* Where the second copies of nodes go. */
#include "../harness/check.h"
#include "space_rig.h"

using namespace thinback;

TBK_TEST(space_copy_lies_in_another_group)
{
	REQUIRE_POOL(pool, 3 * group_blocks);

	/* Nothing is read to find a place: it was to be made ready before. */
	CHECK_EQ(pool.space->take_copy(pool.epoch, 20000), 0);
	pool.space->prepare_copies();
	for (u64 group = 0; group < 3; group++) {
		for (u64 i = 0; i < 100; i++) {
			const u64 copy =
				pool.space->take_copy(pool.epoch, group * group_blocks + 20000 + i);

			CHECK(copy != 0);
			CHECK(copy / group_blocks != group);
		}
	}
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 300);
}

TBK_TEST(space_copy_keeps_away_where_there_is_one_group)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want = metadata();

	pool.space->prepare_copies();
	for (u32 i = 0; i < 2000; i++) {
		auto node = pool.space->take(home, want);

		REQUIRE_OK(node);
		const u64 at = node.value().start;
		const u64 copy = pool.space->take_copy(pool.epoch, at);

		REQUIRE(copy != 0);
		CHECK(copy > at + 7 || at > copy + 7);
		want.goal = at + 1;
	}
}

/* Nodes and reserves go before copies. */
TBK_TEST(space_copies_leave_the_rest_to_nodes)
{
	constexpr u64 reserved = 1000;
	constexpr u64 kept = 256 / 2;
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	u64 taken = 0;

	pool.space->prepare_copies();
	pool.space->reserve(reserved);
	while (pool.space->take_copy(pool.epoch, 0))
		taken++;
	CHECK_EQ(taken, pool.empty - reserved - kept);
	CHECK_EQ(pool.space->free_blocks(), reserved + kept);
	for (u64 i = 0; i < reserved + kept; i++)
		CHECK_OK(pool.space->take(home, metadata()));
	CHECK_EQ(pool.space->free_blocks(), 0);
	pool.space->reserve(0 - reserved);
}

TBK_TEST(space_copy_is_freed_with_its_node)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	pool.space->prepare_copies();
	auto node = pool.space->take(home, metadata());
	REQUIRE_OK(node);
	const u64 at = node.value().start;
	const u64 copy = pool.space->take_copy(pool.epoch, at);

	pool.space->use(pool.epoch, node.value());
	pool.flip();
	CHECK_OK(pool.write_out());
	pool.space->free_node(pool.epoch, at, copy);
	CHECK_EQ(pool.space->freeing_blocks(), 2);
	/* One that cannot be a node's place is left alone. */
	pool.space->free_node(pool.epoch, 0, format::ring_b);
	CHECK_EQ(pool.space->freeing_blocks(), 2);
	pool.flip();
	CHECK_OK(pool.write_out());
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}
