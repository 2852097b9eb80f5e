// SPDX-License-Identifier: GPL-2.0
/* Scrubs of pools that are in use: nodes and superblocks that are damaged below them. */
#include "scrub_town.h"

using namespace thinback;

TBK_TEST(scrub_finds_nothing_in_a_sound_pool)
{
	ScrubTown town({ .volumes = 2 });

	REQUIRE(town.is_ok());
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_IDLE);
	CHECK_EQ(tbk_snapshot_create(town.fleet.pool, "v0", "s", nullptr), 0);
	CHECK_EQ(tbk_clone_create(town.fleet.pool, "v0", "s", "c", 0, nullptr), 0);
	const u64 reads = town.fleet.device.counts().reads;

	CHECK(town.scrub() == sound);
	const struct tbk_pool_info info = town.fleet.info();

	/* All nodes, each once: what is shared is not read again. */
	CHECK_EQ(info.scrub_done, town.fleet.device.counts().reads - reads);
	CHECK(info.scrub_done >= 16 + 3 * 2 + 1500 / 168);
	CHECK(info.scrub_done <= 16 + info.metadata / TBK_BLOCK);
	CHECK_EQ(info.scrub_total, info.scrub_done);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 2, nullptr), -TBK_EINVAL);
}

TBK_TEST(scrub_heals_first_copy_of_a_branch)
{
	ScrubTown town({ .volumes = 2 });

	REQUIRE(town.is_ok());
	const u64 at = town.root(2).block;
	const std::string before = town.block(at);

	town.flip(at);
	CHECK(town.scrub() == one_healed);
	CHECK(town.block(at) == before);
	CHECK(town.scrub() == sound);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_heals_second_copy_of_a_branch)
{
	ScrubTown town({ .volumes = 2 });

	REQUIRE(town.is_ok());
	const u64 at = town.root(1).mirror;
	const std::string before = town.block(at);

	town.flip(at);
	CHECK(town.scrub() == one_healed);
	CHECK(town.block(at) == before);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_heals_copies_of_the_catalog)
{
	ScrubTown town({ .volumes = 2 });

	REQUIRE(town.is_ok());
	town.flip(town.root(0).block);
	CHECK(town.scrub() == one_healed);
	town.flip(town.root(0).mirror);
	CHECK(town.scrub() == one_healed);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_heals_copies_of_the_superblock)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	while (town.fleet.info().checkpoint < 20)
		town.settle();
	const u64 durable = town.fleet.info().checkpoint;
	const u64 slot = (durable - 2) % format::ring_length;

	for (const u64 ring : { format::ring_a, format::ring_b }) {
		const std::string before = town.block(ring + slot);

		town.flip(ring + slot);
		CHECK(town.scrub() == one_healed);
		CHECK(town.block(ring + slot) == before);
	}
	/* The newest of ring A is none that a crash accounts for. */
	town.flip(format::ring_a + durable % format::ring_length);
	CHECK(town.scrub() == one_healed);
	/* Both: there is nothing to heal from. */
	town.flip(format::ring_a + slot);
	town.flip(format::ring_b + slot);
	CHECK((town.scrub() == Outcome{ TBK_SCRUB_DONE, 2, 0 }));
}

TBK_TEST(scrub_tells_of_a_leaf_that_is_lost)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	const NodePointer leaf = town.leaf(1, 1);

	REQUIRE_EQ(leaf.level, 0u);
	town.flip(leaf.block);
	CHECK(town.scrub() == one_lost);
	/* The pool goes on, and holds the leaf in memory: once it is written again all is well. */
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
	CHECK(town.scrub() == one_lost);
	town.flip(leaf.block);
	CHECK(town.scrub() == sound);
}

TBK_TEST(scrub_tells_of_a_branch_that_is_lost)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	town.flip(town.root(1).block);
	town.flip(town.root(1).mirror);
	CHECK(town.scrub() == one_lost);
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
}

TBK_TEST(scrub_reads_again_what_could_not_be_read)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	CHECK(town.scrub() == sound);
	const u64 reads = town.fleet.info().scrub_done;

	for (u64 n = 1; n <= reads; n++) {
		town.fleet.device.fail_read(n);
		CHECK(town.scrub() == sound);
	}
}

TBK_TEST(scrub_survives_a_device_that_cannot_be_read)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	town.fleet.device.fail_read(1, true);
	const Outcome outcome = town.scrub();

	CHECK_EQ(outcome.state, TBK_SCRUB_DONE);
	CHECK(outcome.found > 10);
	CHECK_EQ(outcome.healed, 0u);
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
	town.fleet.device.fail_read(0);
	CHECK(town.scrub() == sound);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_writes_nothing_to_a_pool_that_is_read)
{
	ScrubTown town({});
	MemoryDevice copy(256 << 20, ScrubTownOptions().device());
	struct tbk_pool *pool = nullptr;
	struct tbk_pool_info info {};

	REQUIRE(town.is_ok());
	town.flip(town.root(1).mirror);
	copy.copy_from(town.fleet.device);
	REQUIRE_EQ(tbk_pool_open(&copy, TBK_POOL_READ_ONLY, &pool, nullptr), 0);
	CHECK_EQ(tbk_pool_scrub(pool, 0, nullptr), 0);
	tbk_pool_scrub_wait(pool);
	tbk_pool_describe(pool, &info);
	CHECK_EQ(info.scrub_found, 1u);
	CHECK_EQ(info.scrub_healed, 0u);
	CHECK_EQ(copy.counts().writes, 0u);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
}
