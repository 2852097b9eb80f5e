// SPDX-License-Identifier: GPL-2.0
/* Repairs that the power is cut off from. */
#include "../../drivers/hosted/crash_device.h"
#include "../store/damage.h"
#include "repair_calls.h"

using namespace thinback;

namespace {

constexpr MemoryDevice::Options asynchronous = JournalRig::asynchronous;

/* What a DamagedPool has come to. */
void copy_to(MemoryDevice &to, RamDevice &from)
{
	u8 page[4096];
	const u8 zeros[4096] = {};

	for (u64 at = 0; at < to.size(); at += sizeof(page)) {
		from.read(at, page, sizeof(page));
		if (__builtin_memcmp(page, zeros, sizeof(page)) != 0)
			to.write(at, page, sizeof(page));
	}
}

/* A bit of everything that can be mended. */
void spoil(struct kunit *test, DamagedPool &pool)
{
	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		__builtin_memset(image.payload + 8, 0, 300);
		image.payload[2000] |= 0x0e;
	}));
	CHECK_OK(pool.spoil_record(DamagedPool::id_b, [](format::CatalogRecord &record) {
		record.own.set(1);
		record.mapped.set(2);
	}));
	CHECK_OK(pool.flip(format::ring_b +
				   (pool.super.header.checkpoint.get() + 6) % format::ring_length,
			   9, 1));
}

} // namespace

TBK_TEST(repair_survives_power_cut_at_any_write)
{
	auto made = DamagedPool::create();
	REQUIRE_OK(made);
	DamagedPool &pool = *made.value();
	CrashDevice device(64 << 20, asynchronous);
	Kinds before, seen;

	spoil(test, pool);
	copy_to(device, *pool.device);
	device.restart();
	before = kinds_found(device);
	CHECK_EQ(before.damaged, 0);
	CHECK(repair(device) >= 3);
	CHECK(device.writes() > 5);
	CrashReplay replay(device);
	u32 whole = 0;

	for (u64 at = 0; at <= device.events(); at++) {
		replay.advance(at);
		for (u64 way = 0; way < 4; way++) {
			MemoryDevice image(device.size(), asynchronous);

			replay.build(image, way == 0   ? CrashReplay::none()
					    : way == 1 ? CrashReplay::all()
						       : CrashReplay::random(4 * at + way, true));
			seen = kinds_found(image);
			CHECK_EQ(seen.damaged, 0);
			/* As before, but perhaps for the copy of the superblock; or mended. */
			CHECK(seen.others + 1 >= before.others || seen.others <= 1);
			whole += seen.others == 0;
			CHECK(holds_all(image, nullptr));
			CHECK(repair(image) >= 0);
			seen = kinds_found(image);
			CHECK_EQ(seen.damaged + seen.others, 0);
			CHECK(holds_all(image, nullptr));
		}
	}
	CHECK(whole > 0);
}

namespace {

/* What the power is cut off from, and what is true of it whenever that is. */
void cut_repair(struct kunit *test, DamagedPool &pool, u32 how, const char *except)
{
	CrashDevice device(64 << 20, asynchronous);

	copy_to(device, *pool.device);
	device.restart();
	CHECK(repair(device, how) > 0);
	CrashReplay replay(device);

	for (u64 at = 0; at <= device.events(); at++) {
		replay.advance(at);
		for (u64 way = 0; way < 3; way++) {
			MemoryDevice image(device.size(), asynchronous);

			replay.build(image, way == 0   ? CrashReplay::none()
					    : way == 1 ? CrashReplay::all()
						       : CrashReplay::random(4 * at + way, true));
			const Kinds cut = kinds_found(image);

			/* As before, or so far that nothing is damaged any more. */
			CHECK(cut.damaged <= 1);
			CHECK(repair(image, how) >= 0);
			const Kinds seen = kinds_found(image);

			CHECK_EQ(seen.damaged + seen.others, 0);
			CHECK(holds_all(image, except));
		}
	}
}

} // namespace

TBK_TEST(repair_without_superblocks_survives_power_cut)
{
	auto made = DamagedPool::create();

	REQUIRE_OK(made);
	CHECK_OK(made.value()->lose_superblocks());
	cut_repair(test, *made.value(), 0, nullptr);
}

TBK_TEST(repair_that_drops_survives_power_cut)
{
	auto made = DamagedPool::create();

	REQUIRE_OK(made);
	CHECK_OK(made.value()->flip(made.value()->find_node(DamagedPool::id_c, 0), 100, 1));
	cut_repair(test, *made.value(), TBK_REPAIR_DROP, "c");
}
