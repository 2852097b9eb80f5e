// SPDX-License-Identifier: GPL-2.0
#include "../harness/check.h"
#include "small_disk.h"

using namespace thinback;

using Kind = Mapping::Kind;

TBK_TEST(extents_empty_tree_is_one_hole)
{
	REQUIRE_ONE_DISK(pool, disk);
	auto found = disk.find(100, 77);

	REQUIRE_OK(found);
	CHECK(found.value().kind == Kind::hole);
	CHECK_EQ(found.value().run.raw(), 77);
	CHECK_EQ(found.value().goal, 0);
}

TBK_TEST(extents_mapped_run_is_found_from_inside)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 10));
	const u64 probes[] = { 0, 50, 99, 100, 104, 109, 110, 29999 };

	for (u64 at : probes) {
		auto found = disk.find(at);

		REQUIRE_OK(found);
		check_mapping(test, disk, at, found.value());
	}
	CHECK_EQ(disk.find(105, 100).value().run.raw(), 5);
	CHECK_EQ(disk.find(105, 2).value().run.raw(), 2);
	CHECK_EQ(disk.find(90, 100).value().run.raw(), 10);
	CHECK_EQ(disk.usage.mapped, 10);
	CHECK_EQ(disk.usage.own, 10);
}

TBK_TEST(extents_neighbours_become_one)
{
	REQUIRE_ONE_DISK(pool, disk);
	Want want;

	want.count = 30;
	auto run = pool.space->take(disk.home, want);
	REQUIRE_OK(run);
	const u64 at = run.value().start;

	CHECK_EQ(run.value().count, 30);
	CHECK_OK(disk.map_run(120, { at + 20, 10 }));
	CHECK_OK(disk.map_run(100, { at, 10 }));
	CHECK_EQ(check_disk(test, pool, disk, 10), 2);
	CHECK_OK(disk.map_run(110, { at + 10, 10 }));
	CHECK_EQ(check_disk(test, pool, disk), 1);
}

TBK_TEST(extents_neighbours_of_a_snapshot_stay_apart)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);
	Want want;

	want.count = 30;
	auto run = pool.space->take(disk.home, want);
	REQUIRE_OK(run);
	const u64 at = run.value().start;

	CHECK_OK(disk.map_run(100, { at, 10 }));
	disk.leave_to(snapshot);
	CHECK_OK(disk.map_run(110, { at + 10, 10 }));
	pool.generation++; /* another volume's snapshot */
	CHECK_OK(disk.map_run(120, { at + 20, 10 }));
	TreeAudit audit(test, pool);

	check_with(audit, test, snapshot);
	check_with(audit, test, disk);
	CHECK_EQ(audit.records, 2);
	CHECK_EQ(disk.usage.own, 20);
}

TBK_TEST(extents_mapped_over_frees_what_was_there)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 10));
	CHECK_OK(disk.map(95, 20));
	CHECK_EQ(disk.usage.mapped, 20);
	CHECK_EQ(pool.space->freeing_blocks(), 10);
	check_disk(test, pool, disk);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 20 - 2);
}

TBK_TEST(extents_mapped_inside_splits_in_three)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 30));
	CHECK_OK(disk.map(110, 5));
	CHECK_EQ(check_disk(test, pool, disk), 3);
	CHECK_EQ(disk.usage.mapped, 30);
	for (u64 at = 95; at < 135; at++)
		check_mapping(test, disk, at, disk.find(at).value());
}

TBK_TEST(extents_mapped_over_snapshot_frees_nothing)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);

	CHECK_OK(disk.map(100, 10));
	disk.leave_to(snapshot);
	CHECK(!disk.find(105).value().own);
	CHECK_OK(disk.map(102, 3));
	CHECK_EQ(pool.space->freeing_blocks(), 0);
	CHECK(disk.find(102).value().own);
	CHECK(!disk.find(105).value().own);
	CHECK_EQ(disk.usage.own, 3);
	TreeAudit audit(test, pool);

	check_with(audit, test, snapshot);
	check_with(audit, test, disk);
	audit.check_all_seen();
}

TBK_TEST(extents_unmap_in_the_middle_leaves_both_ends)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 30));
	CHECK_OK(disk.unmap(110, 5));
	CHECK_EQ(check_disk(test, pool, disk), 2);
	CHECK_EQ(disk.usage.mapped, 25);
	CHECK_EQ(disk.usage.own, 25);
	CHECK_EQ(pool.space->freeing_blocks(), 5);
}

TBK_TEST(extents_unmap_of_hole_touches_nothing)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.unmap(0, 1000));
	CHECK(disk.tree.is_empty());
	CHECK_OK(disk.map(100, 30));
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.unmap(0, 100));
	CHECK_OK(disk.unmap(130, 100000));
	CHECK(!disk.tree.is_root_pending());
}

TBK_TEST(extents_unmap_all_empties_the_tree)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 2000; i++)
		REQUIRE_OK(disk.map(5ull * i, 1));
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.unmap(0, 1ull << 39));
	CHECK(disk.tree.is_empty());
	CHECK_EQ(disk.usage.mapped, 0);
	check_disk(test, pool, disk);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(extents_map_across_leaves)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_OK(disk.map(5ull * i + 2, 1));
	CHECK(disk.tree.root_level() > 0);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.map(3, 4900));
	check_disk(test, pool, disk);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK(check_disk(test, pool, disk) < 600);
}

TBK_TEST(extents_failed_map_gives_blocks_back)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_OK(disk.map(5ull * i + 2, 1));
	CHECK_OK(pool.checkpoint(disk.tree));
	disk.editor.relax();
	const u64 free = pool.space->free_blocks();

	for (u32 round = 0; round < 2; round++) {
		Want want;

		want.count = 10;
		auto run = pool.space->take(disk.home, want);
		REQUIRE_OK(run);
		pool.cache->shrink(0);
		/* The leaf: the root has another copy. */
		pool.device->fail_read(2);
		CHECK(disk.editor
			      .map(disk.tree, disk.usage, VirtualBlock(2000), run.value(),
				   pool.now())
			      .error() == Err::io_error);
		disk.editor.relax();
		/* The root is changed, and gets its second copy with the checkpoint. */
		CHECK_EQ(pool.space->free_blocks() + pool.space->freeing_blocks(), free + 1);
		check_disk(test, pool, disk);
		CHECK_OK(pool.checkpoint(disk.tree));
		CHECK_EQ(pool.space->free_blocks(), free);
	}
}

TBK_TEST(extents_goal_continues_the_neighbour)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 3));
	const u64 target = disk.targets[100];

	/* What comes next, and the same 64 KiB. */
	CHECK_EQ(disk.find(103).value().goal, target + 3);
	CHECK_EQ(disk.find(111).value().goal, target + 11);
	CHECK_EQ(disk.find(112).value().goal, 0);
	CHECK_OK(disk.map(200, 8));
	CHECK_EQ(disk.find(208).value().goal, disk.targets[200] + 8);
}

TBK_TEST(extents_goal_leads_back_from_what_comes_after)
{
	REQUIRE_ONE_DISK(pool, disk);
	Want want;

	want.offset = 14;
	CHECK_OK(disk.map(110, want));
	CHECK_EQ(disk.find(96).value().goal, disk.targets[110] - 14);
	CHECK_EQ(disk.find(109).value().goal, disk.targets[110] - 1);
	CHECK_EQ(disk.find(95).value().goal, 0);
}

TBK_TEST(extents_goal_keeps_away_from_snapshots)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);

	CHECK_OK(disk.map(100, 3));
	disk.leave_to(snapshot);
	CHECK_EQ(disk.find(103).value().goal, 0);
	CHECK_EQ(disk.find(101).value().goal, 0);
	CHECK_OK(disk.map(101, 1));
	CHECK_EQ(disk.find(102).value().goal, disk.targets[101] + 1);
}

TBK_TEST(extents_find_would_block_when_leaf_is_not_there)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_OK(disk.map(5ull * i, 1));
	CHECK_OK(pool.checkpoint(disk.tree));
	pool.cache->shrink(0);
	CHECK(disk.find(500).error() == Err::would_block);
	auto found = find_extent_locked(disk.tree, *pool.cache, VirtualBlock(500), BlockCount(10));

	REQUIRE_OK(found);
	check_mapping(test, disk, 500, found.value());
	CHECK_OK(disk.find(500));
	CHECK(disk.find(4000).error() == Err::would_block);
}

TBK_TEST(extents_free_last_returns_every_block)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 5000; i++)
		REQUIRE_OK(disk.map(6ull * i + i % 3, 1 + i % 2));
	CHECK_OK(pool.checkpoint(disk.tree));
	check_disk(test, pool, disk);
	CHECK_OK(disk.free_all());
	CHECK(disk.tree.is_empty());
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(extents_free_last_leaves_the_snapshot)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);

	for (u32 i = 0; i < 3000; i++)
		REQUIRE_OK(disk.map(6ull * i, 1));
	disk.leave_to(snapshot);
	for (u32 i = 0; i < 3000; i += 50)
		REQUIRE_OK(disk.map(6ull * i, 2));
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.free_all());
	CHECK_OK(pool.checkpoint(disk.tree));
	check_disk(test, pool, snapshot);
	/* A volume of which nothing is its own goes without reading a node. */
	disk.clone_of(snapshot, pool.generation - 1);
	pool.cache->shrink(0);
	pool.device->fail_read(1);
	CHECK_OK(disk.free_all());
	CHECK(disk.tree.is_empty());
	pool.device->fail_read(0);
	CHECK_OK(snapshot.free_all());
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}
