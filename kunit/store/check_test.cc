// SPDX-License-Identifier: GPL-2.0
/* Blocks that were damaged by chance: what check says, and what an open pool does. */
#include "../harness/check.h"
#include "../harness/shared/random.h"
#include "damage.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1024ull * 1024;

/* "block 123" */
struct BlockText {
	explicit BlockText(u64 block) { tbk_format(text, sizeof(text), "block %llu", block); }

	char text[32];
};

/* Where bits are flipped: in the checksum, the header, the first records and past the last. */
constexpr u32 bytes_of_interest[] = { 0, 5, 9, 17, 33, 45, 46, 49, 64, 72, 81, 200, 4095 };

} // namespace

TBK_TEST(check_finds_nothing_wrong_with_a_new_pool)
{
	const struct tbk_format_options options = { "tank", { 1 }, 0 };
	const u64 sizes[] = { 64 * mib, 100 * mib, 1024 * mib, 1025 * mib, 3000 * mib };
	auto findings = make<Findings>();

	REQUIRE_OK(findings);
	for (u64 size : sizes) {
		auto device = RamDevice::create(size);

		REQUIRE_OK(device);
		REQUIRE_EQ(tbk_pool_format(device.value().get(), &options, nullptr), 0);
		CHECK_EQ(findings.value()->check(*device.value()), 0);
		findings.value()->tell(test);
	}
}

TBK_TEST(check_finds_nothing_wrong_with_a_used_pool)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
}

TBK_TEST(check_counts_what_there_is)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK_EQ(pool.findings->raw.pool, "tank");
	CHECK_EQ(pool.findings->raw.volumes, 3);
	CHECK_EQ(pool.findings->raw.snapshots, 1);
	CHECK_EQ(pool.findings->raw.nodes, pool.node_count());
	CHECK_EQ(pool.findings->raw.data_blocks, 400 + 20 + 10 + 5);
	CHECK_EQ(pool.findings->raw.leaked_blocks, 0);
}

TBK_TEST(check_writes_nothing)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 writes = pool.device->writes();

	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK_OK(pool.flip(pool.find_node(DamagedPool::id_a, 0), 100, 1));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK_EQ(pool.device->writes(), writes);
}

TBK_TEST(check_refuses_what_is_no_pool)
{
	auto device = RamDevice::create(64 * mib);
	auto small = RamDevice::create(mib);
	auto findings = make<Findings>();

	REQUIRE_OK(device);
	REQUIRE_OK(small);
	REQUIRE_OK(findings);
	CHECK_EQ(findings.value()->check(*device.value()), -TBK_EMEDIUMTYPE);
	CHECK_EQ(findings.value()->check(*small.value()), -TBK_EMEDIUMTYPE);
}

TBK_TEST(check_reports_progress)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct Calls {
		u64 last;
		u64 total;
		bool goes_back;
	} calls = { 0, 0, false };
	struct tbk_check check {};

	check.found = [](struct tbk_check *, enum tbk_finding_class, const char *) {
	};
	check.progress = [](struct tbk_check *one, tbk_u64 done, tbk_u64 total) {
		auto &seen = *static_cast<Calls *>(one->context);

		seen.goes_back |= done < seen.last || done > total;
		seen.last = done;
		seen.total = total;
	};
	check.context = &calls;
	CHECK_EQ(tbk_pool_check(pool.device.get(), &check, nullptr), 0);
	CHECK(!calls.goes_back);
	CHECK_EQ(calls.last, calls.total);
	CHECK(calls.total >= pool.node_count());
}

TBK_TEST(check_keeps_back_all_but_a_thousand_findings)
{
	REQUIRE_DAMAGED_POOL(pool);
	u32 counts[2] = {};
	struct tbk_check check {};

	/* Every other block is in use, of 2720. */
	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		auto &bitmap = reinterpret_cast<format::BitmapBlock &>(image);

		for (u32 i = 1700; i < 2040; i++)
			bitmap.bits[i] |= 0x55;
	}));
	check.found = [](struct tbk_check *one, enum tbk_finding_class kind, const char *) {
		static_cast<u32 *>(one->context)[kind == TBK_FINDING_LEAK]++;
	};
	check.context = counts;
	CHECK_EQ(tbk_pool_check(pool.device.get(), &check, nullptr), 0);
	CHECK_EQ(check.leaked_blocks, 340 * 4);
	/* The last one says how many more. */
	CHECK_EQ(counts[1] + counts[0], 1000 + 1);
}

TBK_TEST(check_names_every_node_with_a_flipped_bit)
{
	REQUIRE_DAMAGED_POOL(pool);
	Random random;

	CHECK(pool.node_count() > 8);
	for (u32 i = 0; i < pool.node_count(); i++) {
		const DamagedPool::Place &node = pool.node(i);

		for (u32 byte : bytes_of_interest) {
			const u8 bit = static_cast<u8>(1u << random.below(8));

			CHECK_OK(pool.flip_node(node, byte, bit));
			CHECK_EQ(pool.findings->check(*pool.device), 0);
			CHECK(pool.findings->has(TBK_FINDING_DAMAGED, BlockText(node.block).text));
			CHECK_OK(pool.flip_node(node, byte, bit));
		}
	}
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
}

/* One of two: nothing is lost, and nothing leaks. */
TBK_TEST(check_names_copy_of_node_with_a_flipped_bit)
{
	REQUIRE_DAMAGED_POOL(pool);
	Random random;

	const u32 seen = pool.for_each_copy([&](u64 block) {
		const u32 byte = static_cast<u32>(random.below(4096));

		CHECK_OK(pool.flip(block, byte, 4));
		CHECK_EQ(pool.findings->check(*pool.device), 0);
		CHECK_EQ(pool.findings->count(), 1);
		CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, BlockText(block).text));
		CHECK(holds_all(*pool.device, nullptr));
		CHECK_OK(pool.flip(block, byte, 4));
	});
	/* The roots of the catalog and of four trees, twice. */
	CHECK(seen >= 10);
}

TBK_TEST(check_names_bitmap_and_summary_with_a_flipped_bit)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 blocks[] = { pool.summary_block(), pool.bitmap_block() };

	for (u64 block : blocks) {
		for (u32 byte : bytes_of_interest) {
			CHECK_OK(pool.flip(block, byte, 16));
			CHECK_EQ(pool.findings->check(*pool.device), 0);
			CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, BlockText(block).text));
			CHECK(!pool.findings->has(TBK_FINDING_LEAK, ""));
			CHECK_OK(pool.flip(block, byte, 16));
		}
	}
}

TBK_TEST(check_names_copy_of_superblock_with_a_flipped_bit)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 newest = pool.super.header.checkpoint.get() % format::ring_length;
	const u64 blocks[] = { format::ring_a + newest,
			       format::ring_a + (newest + 7) % format::ring_length,
			       format::ring_b + (newest + 7) % format::ring_length };

	for (u64 block : blocks) {
		CHECK_OK(pool.flip(block, 100, 1));
		CHECK_EQ(pool.findings->check(*pool.device), 0);
		CHECK_EQ(pool.findings->count(), 1);
		CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, BlockText(block).text));
		CHECK_OK(pool.flip(block, 100, 1));
	}
}

TBK_TEST(check_goes_by_the_other_ring)
{
	REQUIRE_DAMAGED_POOL(pool);
	void *zeroes = tbk_alloc(4096, TBK_MAY_SLEEP);

	REQUIRE(zeroes != nullptr);
	for (u64 i = 0; i < format::ring_length; i++)
		CHECK_OK(pool.write(format::ring_a + i, zeroes));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK_EQ(pool.findings->raw.volumes, 3);
	for (u64 i = 0; i < format::ring_length; i++)
		CHECK_OK(pool.write(format::ring_b + i, zeroes));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK_EQ(pool.findings->count(), 1);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "superblocks: none of the 16 copies"));
	tbk_free(zeroes);
}

TBK_TEST(check_names_node_that_cannot_be_read)
{
	REQUIRE_DAMAGED_POOL(pool);

	/*
	 * Two rings, then their 16 slots; a summary, the journal, a bitmap, the catalog's root and
	 * its copy; then those of the first of the trees, and a leaf of it, which has no other.
	 */
	pool.device->fail_read(25);
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_REPAIRABLE, "input or output error"));
	CHECK(!pool.findings->has(TBK_FINDING_DAMAGED, ""));
	pool.device->fail_read(26);
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "input or output error"));
}

TBK_TEST(check_does_not_take_for_leaks_what_it_cannot_read)
{
	REQUIRE_DAMAGED_POOL(pool);

	for (u32 i = 0; i < pool.node_count(); i++) {
		CHECK_OK(pool.flip_node(pool.node(i), 100, 1));
		CHECK_EQ(pool.findings->check(*pool.device), 0);
		CHECK(!pool.findings->has(TBK_FINDING_LEAK, ""));
		CHECK(!pool.findings->has(TBK_FINDING_REPAIRABLE, ""));
		CHECK_OK(pool.flip_node(pool.node(i), 100, 1));
	}
}

TBK_TEST(probe_tells_name_and_size)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct tbk_pool_info info {};

	CHECK_EQ(tbk_probe(pool.device.get(), &info), 0);
	CHECK_EQ(info.name, "tank");
	CHECK_EQ(info.size, 64 * mib);
	CHECK_EQ(info.uuid[1], 1);
}

TBK_TEST(probe_refuses_what_is_no_pool)
{
	auto device = RamDevice::create(64 * mib);
	struct tbk_pool_info info {};

	REQUIRE_OK(device);
	CHECK_EQ(tbk_probe(device.value().get(), &info), -TBK_EMEDIUMTYPE);
}

TBK_TEST(open_refuses_damaged_catalog_and_writes_nothing)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 writes = pool.device->writes();
	const u64 block = pool.find_node(0, 0);
	struct tbk_pool *opened = nullptr;
	struct tbk_why why {};

	for (u32 byte : bytes_of_interest) {
		CHECK_OK(pool.flip_node(block, byte, 8));
		const int error = tbk_pool_open(pool.device.get(), 0, &opened, &why);

		CHECK(error == -TBK_EIO || error == -TBK_EUCLEAN);
		CHECK(why.text[0] != 0);
		CHECK_OK(pool.flip_node(block, byte, 8));
	}
	CHECK_EQ(pool.device->writes(), writes);
}

TBK_TEST(open_refuses_damaged_summary_and_writes_nothing)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 writes = pool.device->writes();
	struct tbk_pool *opened = nullptr;

	CHECK_OK(pool.flip(pool.summary_block(), 70, 8));
	CHECK_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), -TBK_EIO);
	CHECK_EQ(pool.device->writes(), writes);
}

namespace {

/* What DamagedPool has written, and where: to every @step-th block. */
struct Written {
	const char *volume;
	const char *snapshot;
	u64 step;
	u32 count;
	u32 version;
};

/* How many of these blocks can be read, and are what was written. */
u32 count_readable(struct tbk_pool *pool, const Written &what)
{
	struct tbk_volume *volume = nullptr;
	void *data = tbk_big_alloc(4096);
	u32 good = 0;

	if (data && tbk_volume_open(pool, what.volume, what.snapshot, TBK_OPEN_READ_ONLY, &volume,
				    nullptr) == 0) {
		for (u64 at = 0; at < what.count * what.step; at += what.step)
			good += do_request(volume, TBK_OP_READ, at, data, 1) == 0 &&
				is_block(data, what.volume[0], at, what.version);
		tbk_volume_close(volume);
	}
	tbk_big_free(data);
	return good;
}

} // namespace

TBK_TEST(damaged_volume_fails_and_others_do_not)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct tbk_pool *opened = nullptr;

	CHECK_OK(pool.flip_node(pool.find_node(DamagedPool::id_c, 0), 70, 8));
	REQUIRE_EQ(tbk_pool_open(pool.device.get(), TBK_POOL_READ_ONLY, &opened, nullptr), 0);
	CHECK_EQ(count_readable(opened, { "c", nullptr, 7, 5, 4 }), 0);
	CHECK_EQ(count_readable(opened, { "a", nullptr, 2, 20, 2 }), 20);
	CHECK_EQ(count_readable(opened, { "a", "s", 2, 400, 1 }), 400);
	CHECK_EQ(count_readable(opened, { "b", nullptr, 2, 10, 3 }), 10);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
}

/* Of each the first copy: what was read from the second is right on disk as well. */
TBK_TEST(open_heals_nodes_from_their_copies)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct tbk_pool *opened = nullptr;
	Random random;

	for (u32 i = 0; i < pool.node_count(); i++) {
		if (pool.node(i).mirror)
			CHECK_OK(pool.flip(pool.node(i).block, static_cast<u32>(random.below(4096)),
					   32));
	}
	const u64 writes = pool.device->writes();

	CHECK(holds_all(*pool.device, nullptr));
	CHECK_EQ(pool.device->writes(), writes);
	REQUIRE_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), 0);
	CHECK_EQ(count_readable(opened, { "c", nullptr, 7, 5, 4 }), 5);
	CHECK_EQ(count_readable(opened, { "a", nullptr, 2, 20, 2 }), 20);
	CHECK_EQ(count_readable(opened, { "a", "s", 2, 400, 1 }), 400);
	CHECK_EQ(count_readable(opened, { "b", nullptr, 2, 10, 3 }), 10);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
}

TBK_TEST(open_reads_a_pool_without_copies)
{
	REQUIRE_DAMAGED_POOL(pool);
	struct tbk_pool *opened = nullptr;

	CHECK_OK(pool.drop_copies());
	CHECK(holds_all(*pool.device, nullptr));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_LEAK, ""));
	CHECK(!pool.findings->has(TBK_FINDING_REPAIRABLE, ""));
	CHECK(!pool.findings->has(TBK_FINDING_DAMAGED, ""));
	CHECK_EQ(pool.findings->repair(*pool.device), 0);
	REQUIRE_EQ(tbk_pool_open(pool.device.get(), 0, &opened, nullptr), 0);
	CHECK_EQ(tbk_volume_create(opened, "d", 1 << 20, 0, nullptr), 0);
	CHECK_EQ(tbk_remove(opened, "c", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(opened), 0);
	CHECK_EQ(tbk_pool_close(opened, nullptr), 0);
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	pool.findings->tell(test);
	CHECK(holds_all(*pool.device, "c"));
}
