// SPDX-License-Identifier: GPL-2.0
/* Scrubs that run beside others: trees that change meanwhile, rates, ends. */
#include <random>

#include "scrub_town.h"

using namespace thinback;

/* What it has read of the tree is of yesterday by the time it comes to the leaves. */
TBK_TEST(scrub_goes_by_the_tree_as_it_is_then)
{
	constexpr u32 leaves = 8;
	ScrubTown town({});
	u64 before[leaves];

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	/* Superblocks, then bitmaps and summaries, then nodes: up to the first leaf. */
	while (town.fleet.info().scrub_done < 16 + 1 + town.space().written() + 2 + 2 + 1)
		hosted_sleep_ms(500);
	for (u32 i = 0; i < leaves; i++)
		before[i] = town.leaf(1, i).block;
	for (u32 i = 0; i < 1500; i += 40)
		town.fleet.ask(0, TBK_OP_DISCARD, 2 * i, 32);
	town.fleet.requests.wait_for_all();
	town.settle();
	for (u32 i = 0; i < leaves; i++) {
		REQUIRE(town.leaf(1, i).block != before[i]);
		town.flip(before[i]);
	}
	/* One that it has yet to come to. */
	town.flip(town.leaf(1, 5).block);
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 0), 0);
	tbk_pool_scrub_wait(town.fleet.pool);
	CHECK(town.outcome() == one_lost);
}

TBK_TEST(scrub_finds_nothing_under_load)
{
	for (u32 seed = 0; seed < 3; seed++) {
		std::mt19937_64 random(seed);
		ScrubTown town({ .volumes = 4, .extents = 12000 });
		u64 read = 0;
		u32 done = 0;

		REQUIRE(town.is_ok());
		/* Slow enough for blocks that it knows of to be given to somebody else. */
		CHECK_EQ(town.tune(TBK_TUNE_SCRUB, (100 + 100 * seed) * TBK_BLOCK), 0);
		for (u32 round = 0; round < 40; round++) {
			CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
			town.live(random, 200);
			CHECK_EQ(town.outcome().found, 0u);
			if (town.outcome().state != TBK_SCRUB_DONE)
				continue;
			read += town.fleet.info().scrub_done;
			done++;
		}
		CHECK(done > 2);
		CHECK(read > done * 40);
		CHECK(town.is_sound());
	}
}

TBK_TEST(scrub_heals_under_load)
{
	u64 healed = 0;

	for (u32 seed = 0; seed < 4; seed++) {
		std::mt19937_64 random(seed);
		ScrubTown town({ .volumes = 4, .extents = 6000 });

		REQUIRE(town.is_ok());
		CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 400 * TBK_BLOCK), 0);
		for (u32 round = 0; round < 30; round++) {
			const NodePointer at = town.root(1 + random() % 4);

			/* It may be replaced before it is read. */
			if (at.mirror)
				town.flip(random() % 2 ? at.block : at.mirror);
			CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
			town.live(random, 100);
			tbk_pool_scrub_wait(town.fleet.pool);
			CHECK_EQ(town.outcome().found, town.outcome().healed);
			healed += town.outcome().healed;
		}
		CHECK(town.is_sound());
	}
	CHECK(healed > 20);
}

TBK_TEST(scrub_stops_when_told)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_RUNNING);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, TBK_SCRUB_STOP, nullptr), 0);
	tbk_pool_scrub_wait(town.fleet.pool);
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_IDLE);
	/* Again, from the beginning, while the first one still sleeps. */
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 0), 0);
	CHECK(town.scrub() == sound);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, TBK_SCRUB_STOP, nullptr), 0);
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_DONE);
}

TBK_TEST(scrub_keeps_to_its_rate)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	CHECK_EQ(town.fleet.info().scrub_rate, 32u << 20);
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK - 1), -TBK_EINVAL);
	CHECK(town.scrub() == sound);
	const u64 blocks = town.fleet.info().scrub_done;

	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 2 * TBK_BLOCK), 0);
	CHECK_EQ(town.fleet.info().scrub_rate, 2 * TBK_BLOCK);
	const u64 begun = tbk_now_ns();

	CHECK(town.scrub() == sound);
	/* Half a second for each, but the last; the superblocks come at once. */
	const u64 took = (tbk_now_ns() - begun) / 1'000'000'000;

	CHECK(took >= (blocks - 2) / 2 - 1);
	CHECK(took <= blocks);
}

TBK_TEST(scrub_ends_when_the_pool_is_closed)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	const u64 begun = tbk_now_ns();

	CHECK(town.is_sound());
	CHECK(tbk_now_ns() - begun < 5'000'000'000);
}

/* What is in memory is not on the device then, and a detached pool can be checked. */
TBK_TEST(scrub_ends_when_the_pool_fails)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	town.fleet.ask(0, TBK_OP_WRITE, 9001, 1);
	town.fleet.requests.wait_for_all();
	town.fleet.device.fail_write(1, true);
	town.settle();
	REQUIRE(town.fleet.info().flags & TBK_POOL_FAILED);
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 0), 0);
	tbk_pool_scrub_wait(town.fleet.pool);
	CHECK((town.outcome() == Outcome{ TBK_SCRUB_IDLE, 0, 0 }));
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), -TBK_ESHUTDOWN);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, TBK_SCRUB_STOP, nullptr), 0);
}
