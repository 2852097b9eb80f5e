// SPDX-License-Identifier: GPL-2.0
/* Bitmaps and counts that are wrong, though every checksum is right. */
#include "../harness/check.h"
#include "damage.h"

using namespace thinback;

TBK_TEST(check_space_finds_leak)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_leak());
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_LEAK,
				 "3 blocks from block 16001 on are in use by nobody"));
	CHECK_EQ(pool.findings->count(), 1);
	CHECK_EQ(pool.findings->raw.leaked_blocks, 3);
}

TBK_TEST(check_space_finds_data_and_nodes_marked_free)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		__builtin_memset(bitmap(image).bits + 6, 0, 1000);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "of data is marked as free"));
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "of a node is marked as free"));
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "catalog: block"));
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "group 0:"));
	CHECK(!pool.findings->has(TBK_FINDING_LEAK, ""));
}

TBK_TEST(check_space_finds_fixed_blocks_marked_free)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_block(pool.bitmap_block(),
				  [](BlockImage &image) { bitmap(image).bits[1025] = 0; }));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE,
				 "blocks that are always in use are marked as free"));
}

TBK_TEST(check_space_finds_wrong_count_of_group)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_block(pool.summary_block(), [](BlockImage &image) {
		summary(image).groups[0].free.set(100);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "blocks are free and 100 are said to be"));
}

TBK_TEST(check_space_finds_wrong_count_of_pool)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_super([](format::Superblock &super) { super.free.set(77); }));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "blocks are free and 77 are said to be"));
	CHECK_EQ(pool.findings->count(), 1);
}

TBK_TEST(check_space_finds_slot_of_another_checkpoint)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		auto &checkpoint = bitmap(image).header.checkpoint;

		checkpoint.set(checkpoint.get() - 1);
	}));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, to_text(Err::stale)));
}

TBK_TEST(check_space_finds_bitmap_of_other_blocks)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_block(pool.bitmap_block(),
				  [](BlockImage &image) { bitmap(image).header.low.set(1); }));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "bitmap of group 0"));
}
