// SPDX-License-Identifier: GPL-2.0
/* A pool that is damaged in one way, told so by a check, and mended. */
#include "../../drivers/store/superblock.h"
#include "../harness/check.h"
#include "../harness/shared/random.h"
#include "damage.h"

using namespace thinback;

namespace {

#define REQUIRE_POOL(name)                        \
	auto name##_made = DamagedPool::create(); \
	REQUIRE_OK(name##_made);                  \
	DamagedPool &name = *name##_made.value()

format::BitmapBlock &bitmap(BlockImage &image)
{
	return reinterpret_cast<format::BitmapBlock &>(image);
}

format::SummaryBlock &summary(BlockImage &image)
{
	return reinterpret_cast<format::SummaryBlock &>(image);
}

/* Of the worst kind that was found. */
u32 worst(const Findings &findings)
{
	constexpr enum tbk_finding_class kinds[] = { TBK_FINDING_DAMAGED, TBK_FINDING_REPAIRABLE,
						     TBK_FINDING_LEAK };

	for (const auto kind : kinds) {
		if (findings.has(kind, ""))
			return kind;
	}
	return 0;
}

/* What was @kind is mended: no check has a word to say, all is as it was, and there is nothing left to do. */
void expect_mended(struct kunit *test, DamagedPool &pool, u32 kind, const char *said)
{
	Findings &findings = *pool.findings;

	CHECK_EQ(findings.check(*pool.device), 0);
	CHECK_EQ(worst(findings), kind);
	CHECK_EQ(findings.repair(*pool.device), 0);
	CHECK(findings.has(Findings::mended, said));
	if (!findings.has(Findings::mended, said))
		findings.tell(test);
	CHECK_EQ(findings.check(*pool.device), 0);
	findings.tell(test);
	CHECK(holds_all(*pool.device, nullptr));
	const u64 writes = pool.device->writes();

	CHECK_EQ(findings.repair(*pool.device), 0);
	CHECK_EQ(findings.count(), 0);
	CHECK_EQ(pool.device->writes(), writes);
}

/* Spoils a bit of everything that can be mended. */
void spoil_much(struct kunit *test, DamagedPool &pool)
{
	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		__builtin_memset(bitmap(image).bits + 8, 0, 300);
		bitmap(image).bits[2000] |= 0x0e;
	}));
	CHECK_OK(pool.spoil_record(DamagedPool::id_b, [](format::CatalogRecord &record) {
		record.own.set(1);
		record.mapped.set(2);
	}));
}

} // namespace

TBK_TEST(repair_writes_nothing_to_a_sound_pool)
{
	REQUIRE_POOL(pool);
	const u64 writes = pool.device->writes();

	CHECK_EQ(pool.findings->repair(*pool.device), 0);
	CHECK_EQ(pool.findings->count(), 0);
	CHECK_EQ(pool.device->writes(), writes);
}

TBK_TEST(repair_refuses_what_is_no_pool)
{
	auto device = RamDevice::create(64ull << 20);
	auto findings = make<Findings>();

	REQUIRE_OK(device);
	REQUIRE_OK(findings);
	CHECK_EQ(findings.value()->repair(*device.value()), -TBK_EMEDIUMTYPE);
	CHECK_EQ(device.value()->writes(), 0);
}

TBK_TEST(repair_mends_leak)
{
	REQUIRE_POOL(pool);

	CHECK_OK(pool.spoil_block(pool.bitmap_block(),
				  [](BlockImage &image) { bitmap(image).bits[2000] |= 0x0e; }));
	CHECK_OK(pool.spoil_block(pool.summary_block(), [](BlockImage &image) {
		auto &free = summary(image).groups[0].free;

		free.set(free.get() - 3);
	}));
	CHECK_OK(pool.spoil_super(
		[](format::Superblock &super) { super.free.set(super.free.get() - 3); }));
	expect_mended(test, pool, TBK_FINDING_LEAK, "group 0: bitmaps made anew");
}

TBK_TEST(repair_mends_blocks_marked_free)
{
	REQUIRE_POOL(pool);

	/* All nodes and data, and blocks that are always in use. */
	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		__builtin_memset(bitmap(image).bits, 0, 1000);
		bitmap(image).bits[1025] = 0;
	}));
	expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "group 0: bitmaps made anew");
}

TBK_TEST(repair_mends_bitmap_and_summary)
{
	constexpr u32 bytes[] = { 0, 5, 17, 49, 100, 4095 };
	REQUIRE_POOL(pool);

	/* Both have moved on to another slot each time. */
	for (u32 byte : bytes) {
		CHECK_OK(read_superblock(*pool.device, pool.super));
		CHECK_OK(pool.flip(pool.bitmap_block(), byte, 4));
		expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "group 0: bitmaps made anew");
		CHECK_OK(read_superblock(*pool.device, pool.super));
		CHECK_OK(pool.flip(pool.summary_block(), byte, 4));
		expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "group 0: bitmaps made anew");
	}
}

TBK_TEST(repair_mends_counts_of_free_blocks)
{
	REQUIRE_POOL(pool);

	CHECK_OK(pool.spoil_super([](format::Superblock &super) { super.free.set(77); }));
	expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "superblock: its count of free blocks");
	CHECK_OK(read_superblock(*pool.device, pool.super));
	CHECK_OK(pool.spoil_block(pool.summary_block(), [](BlockImage &image) {
		summary(image).groups[0].free.set(100000);
	}));
	expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "group 0: bitmaps made anew");
}

TBK_TEST(repair_mends_counters_of_volume)
{
	constexpr u32 ids[] = { DamagedPool::id_a, DamagedPool::id_s, DamagedPool::id_c };

	for (u32 id : ids) {
		REQUIRE_POOL(pool);

		CHECK_OK(pool.spoil_record(id, [](format::CatalogRecord &record) {
			record.own.set(record.own.get() + 1);
			record.mapped.set(record.mapped.get() - 1);
		}));
		expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "blocks of its own, not");
	}
}

TBK_TEST(repair_mends_copies_of_superblock)
{
	REQUIRE_POOL(pool);
	const u64 newest = pool.super.header.checkpoint.get() % format::ring_length;
	const u64 before = (newest + 7) % format::ring_length;
	const u64 blocks[] = { format::ring_a + newest, format::ring_a + before,
			       format::ring_b + before };

	for (u64 block : blocks) {
		CHECK_OK(pool.flip(block, 100, 1));
		expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "copy of the superblock");
	}
}

TBK_TEST(repair_mends_copies_of_nodes)
{
	REQUIRE_POOL(pool);
	Random random;
	u32 seen = 0;

	for (u32 i = 0; i < pool.node_count(); i++) {
		const DamagedPool::Place &node = pool.node(i);
		const u64 copies[] = { node.block, node.mirror };

		for (u64 block : copies) {
			if (node.mirror == 0)
				continue;
			CHECK_OK(pool.flip(block, static_cast<u32>(random.below(4096)), 2));
			expect_mended(test, pool, TBK_FINDING_REPAIRABLE,
				      "written anew from its copy");
			seen++;
		}
	}
	CHECK(seen >= 10);
}

TBK_TEST(repair_leaves_what_it_cannot_mend)
{
	REQUIRE_POOL(pool);
	const u64 writes = pool.device->writes();

	for (u32 i = 0; i < pool.node_count(); i++) {
		CHECK_OK(pool.flip_node(pool.node(i), 100, 1));
		CHECK_EQ(pool.findings->repair(*pool.device), 0);
		CHECK_EQ(pool.findings->count(), 0);
		CHECK_EQ(pool.findings->check(*pool.device), 0);
		CHECK_EQ(worst(*pool.findings), TBK_FINDING_DAMAGED);
		CHECK_OK(pool.flip_node(pool.node(i), 100, 1));
	}
	CHECK_EQ(pool.device->writes(), writes);
	CHECK(holds_all(*pool.device, nullptr));
}

TBK_TEST(repair_frees_nothing_beside_a_node_that_is_lost)
{
	REQUIRE_POOL(pool);
	const u64 lost = pool.find_node(DamagedPool::id_c, 0);

	CHECK_OK(pool.flip_node(lost, 100, 1));
	CHECK_OK(pool.flip(pool.bitmap_block(), 100, 1));
	CHECK_EQ(pool.findings->repair(*pool.device), 0);
	CHECK(pool.findings->has(Findings::mended, "0 blocks free"));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(!pool.findings->has(TBK_FINDING_REPAIRABLE, ""));
	CHECK(holds_all(*pool.device, "c"));
	/* Whoever knows what was lost finds the data where it was. */
	CHECK_OK(pool.flip_node(lost, 100, 1));
	CHECK(holds_all(*pool.device, nullptr));
	expect_mended(test, pool, TBK_FINDING_LEAK, "group 0: bitmaps made anew");
}

TBK_TEST(repair_that_cannot_write_is_begun_again)
{
	bool has_failed = true;

	for (u32 n = 1; has_failed; n++) {
		REQUIRE_POOL(pool);

		spoil_much(test, pool);
		pool.device->fail_write(n);
		has_failed = pool.findings->repair(*pool.device) != 0;
		pool.device->fail_write(0);
		CHECK(holds_all(*pool.device, nullptr));
		CHECK_EQ(pool.findings->repair(*pool.device), 0);
		CHECK_EQ(pool.findings->check(*pool.device), 0);
		pool.findings->tell(test);
		CHECK(holds_all(*pool.device, nullptr));
		CHECK(n < 100);
	}
}
