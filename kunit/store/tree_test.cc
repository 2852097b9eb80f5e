// SPDX-License-Identifier: GPL-2.0
/* TreeEditor, with records of the catalog: twelve a leaf, so that trees grow high soon. */
#include "../harness/check.h"
#include "grove.h"

using namespace thinback;
using namespace thinback::grove;

TBK_TEST(tree_open_of_empty_tree_finds_nothing)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, 10);

	CHECK(grove.editor.open(grove.tree, 5, pool.now(), false).error() == Err::not_found);
	CHECK(grove.editor.open_last(grove.tree, pool.now()).error() == Err::not_found);
	grove.editor.relax();
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(tree_first_record_makes_a_root)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, 10);

	CHECK_OK(grove.set(3, 33));
	CHECK_EQ(grove.tree.root_level(), 0);
	CHECK(grove.tree.is_root_pending());
	CHECK_EQ(grove.check(), 1);
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK(!grove.tree.is_root_pending());
	CHECK_EQ(grove.check(), 1);
}

TBK_TEST(tree_last_record_removed_leaves_an_empty_tree)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, 10);

	CHECK_OK(grove.set(3, 33));
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_OK(grove.set(3, 0));
	CHECK(grove.tree.is_empty());
	CHECK_EQ(grove.check(), 0);
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

/* The root kept the range that it had had as the left one of two. */
TBK_TEST(tree_root_left_over_covers_all_keys)
{
	constexpr u32 keys = 30;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);

	for (u32 i = 1; i < keys; i++)
		CHECK_OK(grove.set(i, i));
	CHECK_EQ(grove.tree.root_level(), 1);
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_OK(grove.set(1, 2));
	for (u32 i = keys - 1; i > 3; i--)
		CHECK_OK(grove.set(i, 0));
	CHECK_EQ(grove.tree.root_level(), 0);
	CHECK_OK(grove.set(keys - 1, 5));
	CHECK_EQ(grove.check(), 1);
	CHECK_OK(pool.checkpoint(grove.tree));
	pool.cache->shrink(0);
	CHECK_EQ(grove.check(), 1);
}

/*
 * The second branch took over the first one's range, but not its first key:
 * then a leaf of it was split below that.
 */
TBK_TEST(tree_branch_that_takes_over_a_range_begins_there)
{
	constexpr u32 keys = 1 + 126 * 12 * 3;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);

	for (u32 i = 1; i < keys; i++)
		REQUIRE_OK(grove.set(i, i));
	CHECK_EQ(grove.tree.root_level(), 2);
	CHECK_OK(pool.checkpoint(grove.tree));
	/* All leaves of the first branch, which has 63. */
	for (u32 i = 1; i <= 63 * 12; i++)
		REQUIRE_OK(grove.set(i, 0));
	CHECK_OK(pool.checkpoint(grove.tree));
	for (u32 i = 63 * 12; i > 0; i--)
		REQUIRE_OK(grove.set(i, i));
	grove.check();
	CHECK_OK(pool.checkpoint(grove.tree));
	pool.cache->shrink(0);
	grove.check();
}

/* The root became a branch with a single leaf, which stayed: it was not on the path to what went. */
TBK_TEST(tree_left_with_one_leaf_has_no_branches)
{
	constexpr u32 keys = 1 + 126 * 12 * 3;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);

	for (u32 i = 1; i < keys; i++)
		REQUIRE_OK(grove.set(i, i));
	CHECK_EQ(grove.tree.root_level(), 2);
	for (u32 i = 3; i < keys; i++)
		REQUIRE_OK(grove.set(i, 0));
	CHECK_EQ(grove.tree.root_level(), 0);
	CHECK_EQ(grove.check(), 1);
}

TBK_TEST(tree_grows_and_shrinks_to_nothing)
{
	constexpr u32 keys = 3000;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);
	const u32 steps[] = { 1, 7, 1009 };

	for (u32 step : steps) {
		for (u32 i = 1; i < keys; i++)
			REQUIRE_OK(grove.set(1 + i * step % (keys - 1), i));
		grove.check();
		CHECK_EQ(grove.tree.root_level(), 2);
		CHECK_OK(pool.checkpoint(grove.tree));
		for (u32 i = 1; i < keys; i++)
			REQUIRE_OK(grove.set(1 + i * step % (keys - 1), 0));
		CHECK(grove.tree.is_empty());
		CHECK_EQ(grove.oracle.count, 0);
		grove.check();
		CHECK_OK(pool.checkpoint(grove.tree));
		CHECK_EQ(pool.space->free_blocks(), pool.empty);
	}
}

TBK_TEST(tree_appended_to_has_full_leaves)
{
	constexpr u32 keys = 1201;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);

	for (u32 i = 1; i < keys; i++)
		REQUIRE_OK(grove.set(i, i));
	CHECK_EQ(grove.check(), 100 + 1);
}

TBK_TEST(tree_grows_four_high)
{
	constexpr u32 keys = 126 * 63 * 6 + 12000;
	REQUIRE_POOL(pool, 65536);
	REQUIRE_GROVE(grove, pool, keys);

	/* From the right, so that every leaf is split in halves. */
	for (u32 i = keys - 1; i > 0; i--) {
		REQUIRE_OK(grove.set(i, i));
		if (i % 10000 == 0)
			CHECK_OK(pool.checkpoint(grove.tree));
	}
	CHECK_EQ(grove.tree.root_level(), 3);
	grove.check();
	Random random;

	for (u32 i = 0; i < 5000; i++)
		CHECK_OK(grove.set(static_cast<u32>(1 + random.below(keys - 1)), 0));
	grove.check();
	CHECK_OK(pool.checkpoint(grove.tree));
	grove.check();
	CHECK_OK(grove.free_all());
	CHECK(grove.tree.is_empty());
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(tree_of_a_snapshot_never_changes)
{
	constexpr u32 keys = 600;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);
	REQUIRE_GROVE(before, pool, keys);
	Random random;

	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < 100; i++)
			grove.set_some(random);
		/* The snapshot of this round; the last one's only owner was the round. */
		pool.seal(grove.tree);
		before.tree.set_root(grove.tree.root(), false);
		before.oracle.count = grove.oracle.count;
		__builtin_memcpy(before.oracle.values, grove.oracle.values, keys * sizeof(u32));
		grove.tree.set_since(pool.generation++);

		for (u32 i = 0; i < 200; i++) {
			CHECK_OK(grove.set(static_cast<u32>(1 + random.below(keys - 1)),
					   static_cast<u32>(random.below(3))));
			if (random.one_in(40))
				CHECK_OK(pool.checkpoint(grove.tree));
		}
		TreeAudit audit(test, pool);

		grove.editor.relax();
		before.check_with(audit);
		grove.check_with(audit);
		audit.check_all_seen();
		/* Free the volume, then go on with what the snapshot had as its own. */
		CHECK_OK(grove.free_all());
		CHECK_OK(pool.checkpoint(grove.tree));
		before.check();
		grove.tree.set_root(before.tree.root(), false);
		grove.tree.set_since(0);
		grove.oracle.count = before.oracle.count;
		__builtin_memcpy(grove.oracle.values, before.oracle.values, keys * sizeof(u32));
	}
	CHECK_OK(grove.free_all());
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(tree_survives_reopening)
{
	constexpr u32 keys = 2000;
	REQUIRE_POOL(pool, format::smallest_pool);
	Random random;
	NodePointer root;
	auto values = static_cast<u32 *>(tbk_big_alloc(keys * sizeof(u32)));

	REQUIRE(values != nullptr);
	for (u32 round = 0; round < 10; round++) {
		REQUIRE_GROVE(grove, pool, keys);

		grove.tree.set_root(root, false);
		__builtin_memcpy(grove.oracle.values, values, keys * sizeof(u32));
		for (u32 i = 0; i < keys; i++)
			grove.oracle.count += values[i] ? 1 : 0;
		grove.check();
		for (u32 i = 0; i < 500; i++) {
			const u32 index = grove.set_some(random);

			if (random.one_in(2))
				CHECK_OK(grove.set(index, 0));
			if (random.one_in(100))
				CHECK_OK(pool.checkpoint(grove.tree));
		}
		CHECK_OK(pool.checkpoint(grove.tree));
		root = grove.tree.root();
		__builtin_memcpy(values, grove.oracle.values, keys * sizeof(u32));
		grove.editor.relax();
		grove_made.value().reset();
		REQUIRE_OK(pool.reopen());
	}
	tbk_big_free(values);
}

/* Each read fails once: of nodes, on the way down. Only the leaf has no other copy. */
TBK_TEST(tree_failed_open_changes_nothing)
{
	constexpr u32 keys = 3000;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);

	for (u32 i = 1; i < keys; i++)
		REQUIRE_OK(grove.set(i, i));
	CHECK_OK(pool.checkpoint(grove.tree));
	for (u32 n = 1; n <= 3; n++) {
		pool.cache->shrink(0);
		pool.device->fail_all_reads(true);
		CHECK(grove.set(1000, n).error() == Err::io_error);
		pool.device->fail_all_reads(false);
		pool.device->fail_read(n);
		CHECK_OK(grove.set(1000, n));
		CHECK_EQ(pool.cache->healed(), n);
		grove.check();
		CHECK_OK(pool.checkpoint(grove.tree));
		grove.check();
	}
	CHECK_OK(grove.set(1000, 5));
	CHECK_OK(grove.free_all());
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(tree_checkpoint_writes_only_new_nodes)
{
	constexpr u32 keys = 3000;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);

	for (u32 i = 1; i < keys; i++)
		REQUIRE_OK(grove.set(i, i));
	CHECK_OK(pool.checkpoint(grove.tree));
	const u64 before = pool.device->writes();

	for (u32 i = 0; i < 10; i++)
		CHECK_OK(grove.set(1000, i + 1));
	CHECK_OK(pool.checkpoint(grove.tree));
	/* A path of three, all of them twice, a bitmap and the summary. */
	CHECK_EQ(pool.device->writes() - before, 8);
}

TBK_TEST(tree_agrees_with_plain_array)
{
	constexpr u32 keys = 4000;
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_GROVE(grove, pool, keys);
	Random random;

	for (u32 i = 0; i < 30000; i++) {
		/* Times of growth and of decay, here and there. */
		const bool is_growing = i / 5000 % 2 == 0;
		const u32 index = static_cast<u32>(1 + random.below(keys - 1));
		const bool is_set = random.below(10) < (is_growing ? 7 : 2);

		REQUIRE_OK(grove.set(index, is_set ? i + 1 : 0));
		if (random.one_in(500)) {
			pool.seal(grove.tree);
			pool.flip();
			if (random.one_in(2))
				grove.set_some(random);
			CHECK_OK(pool.write_out());
			if (random.one_in(2))
				pool.cache->shrink(static_cast<u32>(random.below(100)));
		}
		if (random.one_in(1000))
			grove.check();
	}
	CHECK_OK(grove.free_all());
	CHECK_OK(pool.checkpoint(grove.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}
