// SPDX-License-Identifier: GPL-2.0
/*
 * Two power cuts in a row, each while the superblock of the same number is
 * written: what is left of both is not to be the one that the first has torn.
 */
#include <string.h>

#include <thinback/format/superblock.h>

#include "../../drivers/hosted/crash_device.h"
#include "grow_rig.h"

using namespace thinback;

namespace {

constexpr u64 sector_bytes = 512;
constexpr u64 sectors = format::block_size / sector_bytes;
constexpr u64 never = ~0ull;

bool is_superblock(const CrashWrite &write, u64 block)
{
	const auto *super = reinterpret_cast<const format::Superblock *>(write.data.data());

	return write.sector / sectors == block &&
	       super->header.magic.get() == format::superblock_magic;
}

/* The first write from event @from on of a superblock to the first ring; never: there is none. */
u64 find_superblock(const CrashDevice &device, u64 from, u64 &block)
{
	for (u64 at = from; at < device.events(); at++) {
		const CrashEvent &event = device.recorded()[at];

		if (event.kind != CrashEvent::Kind::write_submitted)
			continue;
		const CrashWrite &write = device.write_at(event.of);

		block = write.sector / sectors;
		if (block >= format::ring_a && block < format::ring_a + format::ring_length)
			return at;
	}
	return never;
}

/* Some changes that are flushed, and some that are not; then all of them in a checkpoint, after event @from. */
int change(CrashDevice &device, u64 &from)
{
	struct tbk_pool *pool = nullptr;
	struct tbk_volume *volume = nullptr;
	int error = tbk_pool_open(&device, 0, &pool, nullptr);

	if (error)
		return error;
	error = tbk_volume_open(pool, "a", nullptr, 0, &volume, nullptr);
	for (u64 block = 40; block < 140 && !error; block++) {
		error = write_one(volume, 'a', block);
		/* The first flush since it was closed cleanly is a checkpoint, the second one a record. */
		if (!error && (block == 40 || block == 100))
			error = do_request(volume, TBK_OP_FLUSH, 0, nullptr, 0);
	}
	from = device.events();
	if (!error)
		error = tbk_pool_sync(pool);
	if (volume)
		tbk_volume_close(volume);
	const int closed = tbk_pool_close(pool, nullptr);

	return error ? error : closed;
}

int make_pool(CrashDevice &device)
{
	const struct tbk_format_options options = { "tank", { 5 }, 4 * mib };
	struct tbk_pool *pool = nullptr;
	int error = tbk_pool_format(&device, &options, nullptr);

	if (!error)
		error = tbk_pool_open(&device, 0, &pool, nullptr);
	if (error)
		return error;
	error = tbk_volume_create(pool, "a", 256 * mib, 0, nullptr);
	if (!error)
		error = write_some(pool, 'a', 0, 40);
	const int closed = tbk_pool_close(pool, nullptr);

	return error ? error : closed;
}

/* A pool with a superblock torn so that just sector @missing of it is not there. */
struct Torn {
	Torn(const CrashDevice &recorded, u64 at, u64 slot, u64 missing)
		: block(slot), device(recorded.size(), asynchronous())
	{
		const CrashWrite &write = recorded.write_at(recorded.recorded()[at].of);
		MemoryDevice image(recorded.size(), asynchronous());
		CrashReplay replay(recorded);

		replay.advance(at + 1);
		replay.build(image, [&](const CrashWrite &other, u64 sector) {
			return other.index != write.index || sector != missing;
		});
		memcpy(whole, write.data.data(), sizeof(whole));
		device.copy_from(image);
		device.read(slot * format::block_size, found, sizeof(found));
		device.restart();
	}

	/* Else that sector is what was there before. */
	bool is_torn() const { return memcmp(whole, found, sizeof(whole)) != 0; }

	u64 block;
	CrashDevice device;
	u8 whole[format::block_size]; /* as it was to be */
	u8 found[format::block_size];
};

/* It opens as of before, with what was flushed; of the superblock that is written then, only sector @only gets through. */
void cut_again(struct kunit *test, Torn &torn, u64 only)
{
	struct tbk_pool *pool = nullptr;

	REQUIRE_EQ(tbk_pool_open(&torn.device, 0, &pool, nullptr), 0);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	CrashReplay replay(torn.device);

	for (u64 at = 0; at <= torn.device.events(); at++) {
		MemoryDevice image(torn.device.size(), asynchronous());
		u8 found[format::block_size];
		Findings findings;

		replay.advance(at);
		replay.build(image, [&](const CrashWrite &write, u64 sector) {
			return sector == only || !is_superblock(write, torn.block);
		});
		image.read(torn.block * format::block_size, found, sizeof(found));
		CHECK(memcmp(found, torn.whole, sizeof(found)) != 0);
		CHECK_EQ(findings.check(image), 0);
		findings.tell(test);
	}
}

} // namespace

TBK_TEST(torn_superblock_is_not_made_whole_by_the_next_power_cut)
{
	CrashDevice device(64 * mib, asynchronous());
	u64 from = 0;
	u64 slot = 0;
	u32 torn = 0;

	REQUIRE_EQ(make_pool(device), 0);
	device.restart();
	REQUIRE_EQ(change(device, from), 0);
	const u64 at = find_superblock(device, from, slot);

	REQUIRE(at != never);
	for (u64 sector = 0; sector < sectors; sector++) {
		Torn cut(device, at, slot, sector);

		if (!cut.is_torn())
			continue;
		torn++;
		cut_again(test, cut, sector);
	}
	CHECK(torn > 1);
}
