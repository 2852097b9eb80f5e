// SPDX-License-Identifier: GPL-2.0
/* A pool that is damaged in one way, told so by a check, and mended. */
#include "../../drivers/store/superblock.h"
#include "../harness/check.h"
#include "../harness/shared/random.h"
#include "damage.h"

using namespace thinback;

namespace {

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
	REQUIRE_DAMAGED_POOL(pool);
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
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_leak());
	expect_mended(test, pool, TBK_FINDING_LEAK, "group 0: bitmaps made anew");
}

TBK_TEST(repair_mends_blocks_marked_free)
{
	REQUIRE_DAMAGED_POOL(pool);

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
	REQUIRE_DAMAGED_POOL(pool);

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
	REQUIRE_DAMAGED_POOL(pool);

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
		REQUIRE_DAMAGED_POOL(pool);

		CHECK_OK(pool.spoil_record(id, [](format::CatalogRecord &record) {
			record.own.set(record.own.get() + 1);
			record.mapped.set(record.mapped.get() - 1);
		}));
		expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "blocks of its own, not");
	}
}

TBK_TEST(repair_mends_copies_of_superblock)
{
	REQUIRE_DAMAGED_POOL(pool);
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
	REQUIRE_DAMAGED_POOL(pool);
	Random random;

	const u32 seen = pool.for_each_copy([&](u64 block) {
		CHECK_OK(pool.flip(block, static_cast<u32>(random.below(4096)), 2));
		expect_mended(test, pool, TBK_FINDING_REPAIRABLE, "written anew from its copy");
	});
	CHECK(seen >= 10);
}

TBK_TEST(repair_leaves_what_it_cannot_mend)
{
	REQUIRE_DAMAGED_POOL(pool);
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
	REQUIRE_DAMAGED_POOL(pool);
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
		REQUIRE_DAMAGED_POOL(pool);

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

/* ---- what cannot be read is given up ---- */

TBK_TEST(repair_gives_up_a_lost_leaf)
{
	REQUIRE_DAMAGED_POOL(pool);
	Findings &findings = *pool.findings;
	struct tbk_pool *opened = nullptr;
	struct tbk_volume *volume = nullptr;
	void *data = tbk_big_alloc(2ul * 4096);

	REQUIRE(data != nullptr);
	CHECK_OK(pool.flip_node(pool.find_node(DamagedPool::id_c, 0), 100, 1));
	CHECK_EQ(findings.repair(*pool.device, TBK_REPAIR_DROP), 0);
	CHECK(findings.has(Findings::mended, "volume c: its blocks 0 to 99 are given up"));
	CHECK_EQ(findings.check(*pool.device), 0);
	findings.tell(test);
	CHECK(holds_all(*pool.device, "c"));
	REQUIRE_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), 0);
	REQUIRE_EQ(tbk_volume_open(opened, "c", nullptr, 0, &volume, nullptr), 0);
	/* All of it was one leaf: what was a hole nobody knows either. */
	CHECK_EQ(do_request(volume, TBK_OP_READ, 7, data, 1), -TBK_EIO);
	CHECK_EQ(do_request(volume, TBK_OP_READ, 8, data, 1), -TBK_EIO);
	fill_block(data, 'c', 8, 9);
	CHECK_EQ(do_request(volume, TBK_OP_WRITE, 8, data, 1), 0);
	CHECK_EQ(do_request(volume, TBK_OP_DISCARD, 9, nullptr, 1), 0);
	CHECK_EQ(do_request(volume, TBK_OP_READ, 8, data, 2), 0);
	CHECK(is_block(data, 'c', 8, 9));
	CHECK_EQ(static_cast<u8 *>(data)[4096], 0);
	CHECK_EQ(do_request(volume, TBK_OP_READ, 7, data, 2), -TBK_EIO);
	CHECK_EQ(do_request(volume, TBK_OP_READ, 10, data, 1), -TBK_EIO);
	tbk_volume_close(volume);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
	CHECK_EQ(findings.check(*pool.device), 0);
	findings.tell(test);
	tbk_big_free(data);
}

TBK_TEST(repair_makes_nothing_up_around_part_of_a_block)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct tbk_pool *opened = nullptr;
	struct tbk_volume *volume = nullptr;

	CHECK_OK(pool.flip_node(pool.find_node(DamagedPool::id_c, 0), 100, 1));
	CHECK_EQ(pool.findings->repair(*pool.device, TBK_REPAIR_DROP), 0);
	REQUIRE_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), 0);
	REQUIRE_EQ(tbk_volume_open(opened, "c", nullptr, 0, &volume, nullptr), 0);
	CHECK_EQ(do_part(volume, TBK_OP_WRITE_ZEROES, 3, 1024), -TBK_EIO);
	CHECK_EQ(do_part(volume, TBK_OP_WRITE_ZEROES, 3, 4096), 0);
	CHECK_EQ(do_part(volume, TBK_OP_WRITE_ZEROES, 3, 1024), 0);
	tbk_volume_close(volume);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
}

namespace {

/* Whichever node it is: what can be read after it was given up is what was there. */
void give_up(struct kunit *test, u32 index, u32 &cleared)
{
	REQUIRE_DAMAGED_POOL(pool);
	Findings &findings = *pool.findings;
	u32 errors = 0;
	const DamagedPool::Place &node = pool.node(index);
	/* A branch of the snapshot, from which both others descend, and the catalog. */
	const bool stays = node.id == 0 || (node.id == DamagedPool::id_s && node.level > 0);

	CHECK_OK(pool.flip_node(node, 100, 1));
	CHECK_EQ(findings.repair(*pool.device, TBK_REPAIR_DROP), 0);
	CHECK_EQ(findings.count() == 0, stays);
	CHECK_EQ(findings.check(*pool.device), 0);
	CHECK_EQ(worst(findings), stays ? static_cast<u32>(TBK_FINDING_DAMAGED) : 0);
	if (stays)
		return;
	cleared++;
	findings.tell(test);
	CHECK(holds_no_other(*pool.device, errors));
	CHECK(errors > 0);
	CHECK(errors < 1000);
}

} // namespace

TBK_TEST(repair_gives_up_any_node)
{
	REQUIRE_DAMAGED_POOL(pool);
	u32 cleared = 0;

	for (u32 i = 0; i < pool.node_count(); i++)
		give_up(test, i, cleared);
	CHECK(cleared > 4);
}

/* What the leaf of a snapshot held that others have inherited is still theirs. */
TBK_TEST(repair_keeps_what_others_inherited_of_a_lost_leaf)
{
	REQUIRE_DAMAGED_POOL(pool);
	u32 errors = 0;

	/* The volume and the clone have leaves of their own in its place, with most of it. */
	CHECK_OK(pool.flip_node(pool.find_node(DamagedPool::id_s, 0), 100, 1));
	CHECK_EQ(pool.findings->repair(*pool.device, TBK_REPAIR_DROP), 0);
	CHECK(pool.findings->has(Findings::mended, "snapshot a@s: its blocks"));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
	CHECK(holds_no_other(*pool.device, errors));
	/* Both have written these ten anew: nobody has what the snapshot held. */
	CHECK_EQ(errors, 10);
}

TBK_TEST(repair_drops_snapshot_for_its_only_child)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 branch = pool.find_node(DamagedPool::id_s, 1);
	struct tbk_pool *opened = nullptr;
	u32 errors = 0;

	REQUIRE(branch != 0);
	REQUIRE_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), 0);
	CHECK_EQ(tbk_remove(opened, "b", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(opened), 0);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
	CHECK_OK(pool.flip_node(branch, 100, 1));
	CHECK_EQ(pool.findings->repair(*pool.device, TBK_REPAIR_DROP), 0);
	CHECK(pool.findings->has(Findings::mended, "snapshot a@s: dropped"));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
	/* The snapshot and the clone are not there any more. */
	CHECK(holds_no_other(*pool.device, errors));
	CHECK_EQ(errors, 2);
}

/* ---- all superblocks are lost ---- */

TBK_TEST(repair_finds_pool_without_superblocks)
{
	const char *const names[] = { nullptr, "dock" };

	for (const char *name : names) {
		REQUIRE_DAMAGED_POOL(pool);
		Findings &findings = *pool.findings;

		CHECK_OK(pool.lose_superblocks());
		CHECK_EQ(findings.check(*pool.device), 0);
		CHECK_EQ(worst(findings), TBK_FINDING_DAMAGED);
		CHECK_EQ(findings.repair(*pool.device, 0, name), 0);
		CHECK(findings.has(Findings::mended, "superblocks: all were lost"));
		CHECK(findings.has(Findings::mended,
				   name ? "it is pool dock" : "it is pool recovered"));
		CHECK_EQ(findings.check(*pool.device), 0);
		findings.tell(test);
		CHECK(holds_all(*pool.device, nullptr));
	}
}

TBK_TEST(repair_makes_superblock_as_it_was)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 blocks = pool.super.blocks.get();
	const u64 journal = pool.super.journal_blocks.get();
	const u64 id = pool.super.header.pool.get();
	const u64 checkpoint = pool.super.header.checkpoint.get();
	const u64 generation = pool.super.generation.get();
	const u32 next_id = pool.super.next_id.get();

	CHECK_OK(pool.lose_superblocks());
	CHECK_EQ(pool.findings->repair(*pool.device), 0);
	CHECK_OK(read_superblock(*pool.device, pool.super));
	CHECK_EQ(pool.super.blocks.get(), blocks);
	CHECK_EQ(pool.super.journal_blocks.get(), journal);
	CHECK_EQ(pool.super.header.pool.get(), id);
	CHECK(pool.super.header.checkpoint.get() >= checkpoint);
	CHECK(pool.super.generation.get() >= generation);
	CHECK(pool.super.next_id.get() >= next_id);
}

TBK_TEST(repair_takes_name_from_a_damaged_copy)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 at = format::ring_a + pool.super.header.checkpoint.get() % format::ring_length;
	void *block = tbk_alloc(4096, TBK_MAY_SLEEP);

	REQUIRE(block != nullptr);
	pool.read(at, block);
	CHECK_OK(pool.lose_superblocks());
	static_cast<u8 *>(block)[4000] ^= 1;
	CHECK_OK(pool.write(at, block));
	tbk_free(block);
	CHECK_EQ(pool.findings->repair(*pool.device), 0);
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
	CHECK_EQ(pool.findings->raw.pool, "tank");
	CHECK_OK(read_superblock(*pool.device, pool.super));
	CHECK_EQ(pool.super.uuid[1], 1);
	CHECK(holds_all(*pool.device, nullptr));
}

/* An older catalog than the newest is not the pool: what it leads to may be in other use. */
TBK_TEST(repair_takes_no_catalog_that_was_overtaken)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct tbk_pool *opened = nullptr;
	struct tbk_volume *volume = nullptr;

	REQUIRE_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), 0);
	REQUIRE_EQ(tbk_volume_open(opened, "c", nullptr, 0, &volume, nullptr), 0);
	CHECK_EQ(do_request(volume, TBK_OP_DISCARD, 7, nullptr, 1), 0);
	tbk_volume_close(volume);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
	CHECK_OK(read_superblock(*pool.device, pool.super));
	CHECK_OK(pool.flip(pool.super.catalog.block.get(), 100, 1));
	CHECK_OK(pool.lose_superblocks());
	const u64 writes = pool.device->writes();

	CHECK_EQ(pool.findings->repair(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "superblocks: all are lost, and"));
	CHECK_EQ(pool.device->writes(), writes);
}

TBK_TEST(repair_without_superblocks_is_begun_again)
{
	bool has_failed = true;

	for (u32 n = 1; has_failed; n++) {
		REQUIRE_DAMAGED_POOL(pool);

		CHECK_OK(pool.lose_superblocks());
		pool.device->fail_write(n);
		has_failed = pool.findings->repair(*pool.device) != 0;
		pool.device->fail_write(0);
		CHECK_EQ(pool.findings->repair(*pool.device), 0);
		CHECK_EQ(pool.findings->check(*pool.device), 0);
		pool.findings->tell(test);
		CHECK(holds_all(*pool.device, nullptr));
		CHECK(n < 100);
	}
}
