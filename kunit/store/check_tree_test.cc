// SPDX-License-Identifier: GPL-2.0
/* Trees that are wrong, though every checksum is right. */
#include "../harness/check.h"
#include "damage.h"

using namespace thinback;

namespace {

constexpr u64 data_state = static_cast<u64>(format::ExtentState::data) << 48;

/* Spoils a leaf and looks for what check says of it. */
#define CHECK_SPOILT_LEAF(pool, id, spoil, text)                             \
	do {                                                                 \
		CHECK_OK((pool).spoil_node((pool).find_node(id, 0), spoil)); \
		CHECK_EQ((pool).findings->check(*(pool).device), 0);         \
		CHECK((pool).findings->has(TBK_FINDING_DAMAGED, text));      \
		if (!(pool).findings->has(TBK_FINDING_DAMAGED, text))        \
			(pool).findings->tell(test);                         \
	} while (0)

format::Extent &extent(BlockImage &image, u32 index)
{
	return reinterpret_cast<format::Extent *>(image.payload)[index];
}

format::Branch &branch(BlockImage &image, u32 index)
{
	return reinterpret_cast<format::Branch *>(image.payload)[index];
}

void aim(format::Extent &at, u64 block)
{
	at.target.set(block | data_state);
}

} // namespace

TBK_TEST(check_tree_finds_extent_past_the_end)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c,
		[](BlockImage &image) { extent(image, 4).place.set(100ull << 24 | 1); },
		"volume c: its blocks 100 to 100 lie past its end");
}

TBK_TEST(check_tree_finds_extent_in_fixed_blocks)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c,
		[](BlockImage &image) { aim(extent(image, 1), format::ring_b); },
		"volume c: its block 7 is said to lie in block 8192, where no data can be");
}

TBK_TEST(check_tree_finds_extent_past_the_pool)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c,
		[](BlockImage &image) { aim(extent(image, 1), format::smallest_pool); },
		"volume c: its block 7 is said to lie in block 16384, where no data can be");
}

TBK_TEST(check_tree_finds_block_mapped_twice)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c,
		[](BlockImage &image) { extent(image, 1).target = extent(image, 0).target; },
		"of data belongs to something else as well");
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "volume c:"));
	CHECK(pool.findings->has(TBK_FINDING_LEAK, "is in use by nobody"));
	CHECK_EQ(pool.findings->raw.leaked_blocks, 1);
}

TBK_TEST(check_tree_finds_block_marked_as_free)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_node(pool.find_node(DamagedPool::id_c, 0),
				 [](BlockImage &image) { aim(extent(image, 1), 16000); }));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE,
				 "volume c: block 16000 of data is marked as free"));
	CHECK_EQ(pool.findings->raw.leaked_blocks, 1);
}

TBK_TEST(check_tree_finds_extent_younger_than_its_leaf)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c,
		[](BlockImage &image) { extent(image, 1).birth.set(image.header.birth.get() + 1); },
		to_text(Err::bad_records));
}

TBK_TEST(check_tree_finds_extents_that_overlap)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c,
		[](BlockImage &image) { extent(image, 0).place.set(0ull << 24 | 8); },
		to_text(Err::bad_records));
}

TBK_TEST(check_tree_finds_inherited_extent_that_differs)
{
	REQUIRE_DAMAGED_POOL(pool);

	/* The clone's first leaf: ten of its own, then what the snapshot has. */
	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_b,
		[](BlockImage &image) { extent(image, 20).target = extent(image, 21).target; },
		"volume b: its block 40");
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "its parent has not got it there"));
}

TBK_TEST(check_tree_finds_inherited_extent_of_no_parent)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c, [](BlockImage &image) { extent(image, 1).birth.set(0); },
		"volume c: its block 7");
}

TBK_TEST(check_tree_finds_shared_node_the_parent_has_not)
{
	REQUIRE_DAMAGED_POOL(pool);

	/* The clone's root leads to one of the snapshot's leaves where another one belongs. */
	CHECK_OK(pool.spoil_node(pool.find_node(DamagedPool::id_b, 1), [](BlockImage &image) {
		auto &right = branch(image, 2);
		const auto &wrong = branch(image, 1);

		right.child = wrong.child;
		right.mirror = wrong.mirror;
		right.birth = wrong.birth;
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "covers more than its parent says"));
}

TBK_TEST(check_tree_finds_leaf_outside_its_range)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_node(pool.find_node(DamagedPool::id_a, 1), [](BlockImage &image) {
		branch(image, 1).key.set(branch(image, 1).key.get() + 1);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "covers more than its parent says"));
}

TBK_TEST(check_tree_finds_child_that_cannot_be)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_node(pool.find_node(DamagedPool::id_a, 1), [](BlockImage &image) {
		branch(image, 0).child.set(1ull << 40);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "block 1099511627776: no tree node can be"));
}

TBK_TEST(check_tree_finds_child_of_another_generation)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_node(pool.find_node(DamagedPool::id_a, 1), [](BlockImage &image) {
		branch(image, 0).birth.set(branch(image, 0).birth.get() + 1);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, to_text(Err::bad_records)));
}

TBK_TEST(check_tree_finds_empty_leaf)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT_LEAF(
		pool, DamagedPool::id_c, [](BlockImage &image) { image.header.count.set(0); },
		"is empty");
}

TBK_TEST(check_tree_finds_root_younger_than_the_pool)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_record(DamagedPool::id_c, [](format::CatalogRecord &record) {
		record.root.birth.set(99);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "volume c: node of level 0"));
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "newer, or higher, than it can be"));
}

TBK_TEST(check_tree_finds_root_of_a_snapshot_too_young)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_record(DamagedPool::id_s, [](format::CatalogRecord &record) {
		record.root.birth.set(record.generation.get() + 1);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "snapshot a@s: node of level 1"));
}

TBK_TEST(check_tree_finds_wrong_counts)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_record(DamagedPool::id_b, [](format::CatalogRecord &record) {
		record.own.set(11);
		record.mapped.set(401);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE,
				 "volume b: has 10 blocks of its own and is said to have 11"));
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE,
				 "volume b: maps 400 blocks and is said to map 401"));
	CHECK_EQ(pool.findings->count(), 2);
}
