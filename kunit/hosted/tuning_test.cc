// SPDX-License-Identifier: GPL-2.0
/* What a pool keeps in memory, when it writes, and what can be set of that. */
#include <random>

#include "../../drivers/store/handle.h"
#include "../harness/check.h"
#include "fleet.h"

using namespace thinback;

namespace {

constexpr u64 kib = 1 << 10;
constexpr u64 mib = 1 << 20;
constexpr u32 volumes = 4;
constexpr u64 volume_blocks = 256 * mib / TBK_BLOCK;

constexpr MemoryDevice::Options asynchronous = { .asynchronous = true, .keeps_zeros = false };

class Load {
public:
	explicit Load(Fleet &fleet) : fleet_(fleet) {}

	/* Blocks none of which lies beside another one: each is an extent. */
	void write(u32 count)
	{
		for (u32 i = 0; i < count; i++)
			ask(TBK_OP_WRITE);
	}
	void mix(u32 count)
	{
		for (u32 i = 0; i < count; i++) {
			const u64 what = random_() % 8;

			ask(what < 4 ? TBK_OP_WRITE : what < 7 ? TBK_OP_READ : TBK_OP_DISCARD);
		}
	}

private:
	void ask(u32 op)
	{
		fleet_.ask(random_() % volumes, op, random_() % (volume_blocks / 2) * 2, 32);
		most = std::max(most, fleet_.info().cache);
		most_others = std::max(most_others, hosted_bytes() - fleet_.info().cache);
	}

	Fleet &fleet_;
	std::mt19937_64 random_{ 1 };

public:
	u64 most = 0;	     /* bytes of nodes there were */
	u64 most_others = 0; /* bytes of all else */
};

} // namespace

/* What the pool says of its cache is true as well: all else stays what it was. */
TBK_TEST(tuning_cache_keeps_to_its_limit_under_random_load)
{
	Fleet fleet(1024 * mib, asynchronous, volumes, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	Load load(fleet);

	load.write(1000);
	const u64 others = load.most_others;

	fleet.pool->pool->cache().set_limit(128);
	const u64 limit = fleet.info().cache_limit;

	fleet.requests.wait_for_all();
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	load.most = 0;
	load.most_others = 0;
	load.mix(30000);
	fleet.requests.wait_for_all();
	CHECK_EQ(fleet.requests.errors, 0);
	CHECK(load.most <= limit);
	/* The load has been more than the cache holds. */
	CHECK(load.most > limit / 8 * 7);
	CHECK(fleet.device.counts().reads > 1000);
	CHECK(load.most_others < others + 128 * kib);
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	CHECK_EQ(fleet.pool->pool->cache().dirty(), 0);
}

TBK_TEST(tuning_cache_made_smaller_is_smaller)
{
	Fleet fleet(1024 * mib, asynchronous, volumes, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	Load load(fleet);

	CHECK_EQ(fleet.info().cache_limit / mib, 64 - 1);
	load.write(60000);
	fleet.requests.wait_for_all();
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	CHECK(fleet.info().cache > 3 * mib / 2);
	CHECK_EQ(fleet.tune(TBK_TUNE_CACHE, mib), 0);
	CHECK(fleet.info().cache_limit <= mib);
	tbk_rcu_barrier();
	CHECK(fleet.info().cache <= mib);
	CHECK_EQ(fleet.tune(TBK_TUNE_CACHE, 0), 0);
	CHECK_EQ(fleet.info().cache_limit / mib, 64 - 1);
}

TBK_TEST(tuning_dirty_nodes_start_a_checkpoint)
{
	Fleet fleet(1024 * mib, asynchronous, volumes, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	Load load(fleet);

	CHECK_EQ(fleet.info().dirty_limit, fleet.info().cache_limit / 4);
	load.write(5000);
	const u64 before = fleet.info().checkpoint;

	load.write(2000);
	fleet.requests.wait_for_all();
	CHECK_EQ(fleet.info().checkpoint, before);
	CHECK_EQ(fleet.tune(TBK_TUNE_DIRTY, 64 * kib), 0);
	CHECK_EQ(fleet.info().dirty_limit, 64 * kib);
	load.write(1000);
	fleet.requests.wait_for_all();
	CHECK(fleet.info().checkpoint > before + 5);
}

TBK_TEST(tuning_taken_journal_starts_a_checkpoint)
{
	Fleet fleet(1024 * mib, asynchronous, 1, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	CHECK_EQ(fleet.info().journal_limit, 2 * mib);
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	CHECK_EQ(fleet.tune(TBK_TUNE_JOURNAL, 40 * TBK_BLOCK), 0);
	u64 before = 0;

	for (u32 i = 0; i < 60; i++) {
		fleet.ask(0, TBK_OP_WRITE, 2 * i, 1);
		fleet.ask(0, TBK_OP_FLUSH, 0, 1);
		fleet.requests.wait_for_all();
		if (i == 0)
			before = fleet.info().checkpoint;
		if (i == 30)
			CHECK_EQ(fleet.info().checkpoint, before);
	}
	CHECK(fleet.info().checkpoint > before);
}

TBK_TEST(tuning_what_makes_no_sense_is_refused)
{
	Fleet fleet(256 * mib, asynchronous, 0, 0);

	REQUIRE(fleet.is_ok());
	const struct tbk_pool_info before = fleet.info();

	CHECK_EQ(fleet.tune(TBK_TUNE_CACHE, mib - 1), -TBK_EINVAL);
	CHECK_EQ(fleet.tune(TBK_TUNE_DIRTY, TBK_BLOCK - 1), -TBK_EINVAL);
	CHECK_EQ(fleet.tune(TBK_TUNE_JOURNAL, TBK_BLOCK - 1), -TBK_EINVAL);
	CHECK_EQ(fleet.tune(TBK_TUNE_JOURNAL, 4 * mib + 1), -TBK_EINVAL);
	/* All or nothing. */
	CHECK_EQ(fleet.tune(TBK_TUNE_CACHE | TBK_TUNE_JOURNAL, 5 * mib), -TBK_EINVAL);
	CHECK_EQ(fleet.info().cache_limit, before.cache_limit);
	CHECK_EQ(fleet.info().dirty_limit, before.dirty_limit);
	CHECK_EQ(fleet.info().journal_limit, before.journal_limit);
	/* Half of the cache is the most that can be dirty. */
	CHECK_EQ(fleet.tune(TBK_TUNE_DIRTY, 1024 * mib), 0);
	CHECK_EQ(fleet.info().dirty_limit, before.cache_limit / 2);
}

TBK_TEST(tuning_open_volume_takes_little_memory)
{
	constexpr u64 most = 64 * kib;
	Fleet fleet(1024 * mib, asynchronous, volumes, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	Load load(fleet);
	const auto others = [&] {
		return hosted_bytes() - fleet.info().cache;
	};

	/* The groups' bitmaps are there, and what the pool itself has. */
	load.write(1000);
	fleet.requests.wait_for_all();
	while (fleet.info().checkpoint < 2)
		CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	const u64 busy = others();

	for (u32 i = 0; i < volumes; i++)
		fleet.close();
	const u64 closed = others();

	CHECK(busy > closed);
	CHECK(busy - closed <= volumes * most);
	for (u32 i = 0; i < volumes; i++)
		REQUIRE(fleet.open());
	const u64 idle = others();

	CHECK(idle > closed);
	CHECK(idle - closed <= volumes * most / 4);
	load.mix(10000);
	fleet.requests.wait_for_all();
	CHECK(others() - closed <= volumes * most);
}

TBK_TEST(tuning_idle_volume_keeps_no_nodes_ready)
{
	Fleet fleet(1024 * mib, asynchronous, volumes, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	Load load(fleet);

	load.write(1000);
	fleet.requests.wait_for_all();
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	NodeCache &cache = fleet.pool->pool->cache();

	/* Only the catalog's editor has some. */
	cache.shrink(0);
	CHECK(cache.size() < 16);
}

TBK_TEST(tuning_flushes_of_100_volumes_share_a_write)
{
	constexpr u32 count = 100;
	Fleet fleet(256 * mib, asynchronous, count, mib);

	REQUIRE(fleet.is_ok());
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	for (u32 i = 0; i < count; i++)
		fleet.ask(i, TBK_OP_WRITE, i % 7, count);
	fleet.requests.wait_for_all();
	const DeviceCounts before = fleet.device.counts();

	for (u32 i = 0; i < count; i++)
		fleet.ask(i, TBK_OP_FLUSH, 0, count);
	fleet.requests.wait_for_all();
	CHECK_EQ(fleet.requests.errors, 0);
	CHECK_EQ(fleet.device.counts().writes - before.writes, 1u);
	CHECK_EQ(fleet.device.counts().bytes_written - before.bytes_written, TBK_BLOCK);
	CHECK_EQ(fleet.device.counts().flushes - before.flushes, 1u);
}

/* Nobody but the cleaner does anything meanwhile; a second or two either way is its own affair. */
TBK_TEST(tuning_removal_keeps_to_its_rate)
{
	constexpr u64 extents = 20000;
	Fleet fleet(1024 * mib, asynchronous, 2, volume_blocks * TBK_BLOCK);

	REQUIRE(fleet.is_ok());
	CHECK_EQ(fleet.info().remove_rate, 0u);
	for (u64 i = 0; i < extents; i++)
		fleet.ask(1, TBK_OP_WRITE, 2 * i, 32);
	fleet.requests.wait_for_all();
	fleet.close();
	CHECK_EQ(tbk_pool_sync(fleet.pool), 0);
	CHECK_EQ(fleet.tune(TBK_TUNE_REMOVE, 20), 0);
	CHECK_EQ(fleet.info().remove_rate, 20u);
	const u64 begun = tbk_now_ns();

	CHECK_EQ(tbk_remove(fleet.pool, "v1", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(fleet.pool), 0);
	const u64 took = (tbk_now_ns() - begun) / 1'000'000'000;
	const u64 least = extents / format::extent_capacity / 20;

	CHECK(took >= least);
	CHECK(took <= 3 * least);
}
