// SPDX-License-Identifier: GPL-2.0
/* Scrubs of pools that are in use: bitmaps, summaries and the journal, damaged below them. */
#include <functional>
#include <vector>

#include "scrub_town.h"

using namespace thinback;

namespace {

constexpr u32 sector_sizes[] = { 512, 4096 };

format::BitmapBlock &bitmap_in(std::string &block)
{
	return *reinterpret_cast<format::BitmapBlock *>(block.data());
}

format::SummaryBlock &summary_in(std::string &block)
{
	return *reinterpret_cast<format::SummaryBlock *>(block.data());
}

/* The other slot of a bitmap or a summary: each pair begins with an even block. */
u64 other_slot(u64 at)
{
	return at ^ 1;
}

bool is_clean(ScrubTown &town)
{
	return town.scrub() == sound && town.is_sound();
}

/* A write to each volume that is answered, and a flush of it. */
void write_and_flush(ScrubTown &town, u32 volumes, u64 block)
{
	for (u32 op : { TBK_OP_WRITE, TBK_OP_FLUSH }) {
		for (u32 i = 0; i < volumes; i++)
			town.fleet.ask(i, op, block, 8);
		town.fleet.requests.wait_for_all();
	}
}

/* Checkpoints, each with a change of a bitmap. */
void change_until(ScrubTown &town, const std::function<bool()> &is_reached)
{
	for (u64 block = 9001; !is_reached(); block += 2) {
		town.fleet.ask(0, TBK_OP_WRITE, block, 1);
		town.fleet.requests.wait_for_all();
		town.settle();
	}
}

/* Where the first block of the journal lies that a crash would need. */
u64 journal_block(const ScrubTown &town)
{
	const u64 number = town.fleet.pool->pool->checkpointer().journal_tail();

	return format::journal_start + number % town.space().geometry().journal_blocks;
}

} // namespace

TBK_TEST(scrub_heals_bitmaps_and_summaries)
{
	for (const u32 sector : sector_sizes) {
		ScrubTown town({ .volumes = 3, .logical_block = sector });

		REQUIRE(town.is_ok());
		/* So that more than one bitmap is written. */
		for (u64 i = 0; i < 3 * 1024; i++)
			town.fleet.ask(i % 3, TBK_OP_WRITE, i / 3 * Group::slot_blocks, 32);
		town.fleet.requests.wait_for_all();
		town.settle();
		for (u32 i = 0; i < 2; i++) {
			const u64 at = town.bitmap_block(0, i);

			REQUIRE(at);
			town.flip(at);
			CHECK(town.scrub() == one_healed);
			CHECK_EQ(town.bitmap_block(0, i), other_slot(at));
			CHECK(town.scrub() == sound);
		}
		const u64 at = town.summary_block();

		town.flip(at);
		CHECK(town.scrub() == one_healed);
		CHECK_EQ(town.summary_block(), other_slot(at));
		CHECK(is_clean(town));
	}
}

TBK_TEST(scrub_heals_what_is_bad_in_both_slots)
{
	ScrubTown town({});
	u64 slots = 0;

	REQUIRE(town.is_ok());
	for (u64 at = format::first_bitmap(0); at < format::first_summary(0) + 2; at++) {
		town.flip(at);
		slots++;
	}
	CHECK_EQ(slots, 20u);
	CHECK((town.scrub() ==
	       Outcome{ TBK_SCRUB_DONE, town.space().written(), town.space().written() }));
	CHECK(is_clean(town));
}

/* What bitmaps and summaries say of themselves. */
TBK_TEST(scrub_heals_what_belongs_elsewhere)
{
	using Spoil = std::function<void(format::BlockHeader &)>;
	const std::vector<Spoil> spoils = {
		[](format::BlockHeader &header) { header.magic.set(format::journal_magic); },
		[](format::BlockHeader &header) { header.self.set(header.self.get() + 2); },
		[](format::BlockHeader &header) { header.pool.set(2); },
		[](format::BlockHeader &header) {
			header.checkpoint.set(header.checkpoint.get() - 1);
		},
		[](format::BlockHeader &header) { header.low.set(header.low.get() + 1); },
		[](format::BlockHeader &header) { header.high.set(header.high.get() - 1); },
	};
	ScrubTown town({});

	REQUIRE(town.is_ok());
	for (const Spoil &spoil : spoils) {
		for (const bool is_bitmap : { true, false }) {
			const u64 at = is_bitmap ? town.bitmap_block(0, 0) : town.summary_block();
			std::string block = town.block(at);

			spoil(bitmap_in(block).header);
			town.put(at, block);
			CHECK(town.scrub() == one_healed);
		}
	}
	const u64 at = town.summary_block();
	std::string block = town.block(at);

	summary_in(block).header.count.set(2);
	town.put(at, block);
	CHECK(town.scrub() == one_healed);
	CHECK(is_clean(town));
}

/* A write that the device said it had done, and lost. */
TBK_TEST(scrub_heals_what_is_of_an_older_checkpoint)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	const u64 bitmap = town.bitmap_block(0, 0);
	const u64 summary = town.summary_block();
	const std::string old_bitmap = town.block(bitmap);
	const std::string old_summary = town.block(summary);

	change_until(town, [&] {
		return town.bitmap_block(0, 0) == bitmap && town.block(bitmap) != old_bitmap;
	});
	town.put(bitmap, old_bitmap);
	CHECK(town.scrub() == one_healed);
	change_until(town, [&] {
		return town.summary_block() == summary && town.block(summary) != old_summary;
	});
	town.put(summary, old_summary);
	CHECK(town.scrub() == one_healed);
	CHECK(is_clean(town));
}

TBK_TEST(scrub_tells_of_a_bitmap_that_is_not_in_memory)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	REQUIRE(town.reopen());
	REQUIRE(!town.space().has_bitmaps(0));
	const u64 at = town.bitmap_block(0, 0);

	town.flip(at);
	CHECK(town.scrub() == one_lost);
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
	/* Summaries are in memory always. */
	town.flip(town.summary_block());
	CHECK((town.scrub() == Outcome{ TBK_SCRUB_DONE, 2, 1 }));
	town.flip(at);
	CHECK(is_clean(town));
}

/* Which is wrong cannot be told, so neither is written. */
TBK_TEST(scrub_tells_of_bits_that_are_not_those_in_memory)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	const u64 at = town.bitmap_block(0, 0);
	const std::string before = town.block(at);
	std::string block = before;

	u8 *bits = bitmap_in(block).bits;
	u8 &last = bits[format::payload_size - 1];

	/* As many are free as were. */
	REQUIRE((bits[0] & 1) == 1 && (last & 1) == 0);
	bits[0] ^= 1;
	last ^= 1;
	town.put(at, block);
	CHECK(town.scrub() == one_lost);
	CHECK_EQ(town.bitmap_block(0, 0), at);
	/* With nothing in memory to compare with, their count tells. */
	REQUIRE(town.reopen());
	CHECK(town.scrub() == sound);
	last ^= 1;
	town.put(at, block);
	CHECK(town.scrub() == one_lost);
	town.put(at, before);
	CHECK(is_clean(town));
}

TBK_TEST(scrub_tells_what_a_pool_that_is_read_cannot_heal)
{
	ScrubTown town({});
	MemoryDevice copy(256 << 20, ScrubTownOptions().device());
	struct tbk_pool *pool = nullptr;
	struct tbk_pool_info info {};

	REQUIRE(town.is_ok());
	REQUIRE(town.reopen());
	copy.copy_from(town.fleet.device);
	REQUIRE_EQ(tbk_pool_open(&copy, TBK_POOL_READ_ONLY, &pool, nullptr), 0);
	for (const u64 at : { town.bitmap_block(0, 0), town.summary_block() }) {
		std::string block = town.block(at);

		block[100] ^= 1;
		copy.write(at * TBK_BLOCK, block.data(), TBK_BLOCK);
		CHECK_EQ(tbk_pool_scrub(pool, 0, nullptr), 0);
		tbk_pool_scrub_wait(pool);
		tbk_pool_describe(pool, &info);
		CHECK_EQ(info.scrub_state, TBK_SCRUB_DONE);
		CHECK_EQ(info.scrub_found, 1u);
		CHECK_EQ(info.scrub_healed, 0u);
	}
	CHECK_EQ(copy.counts().writes, 0u);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
}

TBK_TEST(scrub_has_a_checkpoint_take_the_place_of_a_bad_journal)
{
	for (const u32 sector : sector_sizes) {
		ScrubTown town({ .volumes = 2, .logical_block = sector });

		REQUIRE(town.is_ok());
		write_and_flush(town, 2, 9001);
		write_and_flush(town, 2, 9003);
		REQUIRE(town.fleet.pool->pool->journal().writes() > 0);
		CHECK(town.scrub() == sound);
		const u64 durable = town.fleet.info().checkpoint;
		const u64 at = journal_block(town);

		town.flip(at);
		CHECK(town.scrub() == one_healed);
		CHECK(town.fleet.info().checkpoint > durable);
		/* What is behind the checkpoint nobody reads. */
		town.flip(at);
		CHECK(is_clean(town));
	}
}

/* One of an earlier turn of the ring, in the place of the one that is wanted. */
TBK_TEST(scrub_tells_a_block_of_the_journal_from_an_older_one)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	write_and_flush(town, 1, 9001);
	const u64 at = journal_block(town);
	std::string block = town.block(at);
	auto &header = bitmap_in(block).header;

	header.low.set(header.low.get() - town.space().geometry().journal_blocks);
	town.put(at, block);
	CHECK(town.scrub() == one_healed);
	CHECK(is_clean(town));
}

/* Each of its reads takes so long that what it is about is written anew, several times. */
TBK_TEST(scrub_takes_nothing_for_bad_that_is_written_meanwhile)
{
	constexpr u64 reads = 16 + 1 + 3; /* superblocks, journal, then space */
	ScrubTown town({});

	REQUIRE(town.is_ok());
	Journal &journal = town.fleet.pool->pool->journal();

	for (u64 n = 1; n <= reads; n++) {
		const u64 writes = n == 17 ? town.space().geometry().journal_blocks : 10;

		write_and_flush(town, 1, 9001 + 2 * n);
		town.fleet.device.delay_read(n);
		CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
		hosted_sleep_ms(10);
		CHECK_EQ(town.fleet.info().scrub_done, n > 16 ? n : n - 1);
		const u64 before = journal.writes();

		for (u64 block = 0; journal.writes() - before < writes; block += 2) {
			town.fleet.ask(0, TBK_OP_DISCARD, block % 2000, 1);
			town.fleet.ask(0, TBK_OP_FLUSH, 0, 1);
			town.fleet.ask(0, TBK_OP_WRITE, block % 2000, 1);
			town.fleet.ask(0, TBK_OP_FLUSH, 0, 1);
			if (n != 17)
				town.settle();
		}
		CHECK_EQ(town.outcome().state, TBK_SCRUB_RUNNING);
		tbk_pool_scrub_wait(town.fleet.pool);
		CHECK(town.outcome() == sound);
	}
	CHECK(is_clean(town));
}

/* As far as it can be known before. */
TBK_TEST(scrub_knows_how_much_there_is)
{
	ScrubTown town({});

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	while (town.fleet.info().scrub_done == 0)
		hosted_sleep_ms(1);
	const u64 total = town.fleet.info().scrub_total;

	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 0), 0);
	tbk_pool_scrub_wait(town.fleet.pool);
	CHECK(town.outcome() == sound);
	CHECK_EQ(town.fleet.info().scrub_total, town.fleet.info().scrub_done);
	CHECK_EQ(total, town.fleet.info().scrub_done);
}

TBK_TEST(scrub_heals_bitmaps_and_summaries_under_load)
{
	constexpr u64 groups = 3;
	u64 healed = 0;

	for (const u32 sector : sector_sizes) {
		std::mt19937_64 random(sector);
		ScrubTown town({ .volumes = 4,
				 .extents = 6000,
				 .bytes = groups << 30,
				 .logical_block = sector });

		REQUIRE(town.is_ok());
		CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 800 * TBK_BLOCK), 0);
		for (u32 round = 0; round < 30; round++) {
			const u64 group = random() % groups;

			write_and_flush(town, 4, 9001 + 2 * round);
			const u64 place[] = { town.summary_block(), journal_block(town),
					      town.bitmap_block(group, 0) };

			/* It may be written anew before it is read. */
			if (town.space().has_bitmaps(group))
				town.flip(place[round % 3]);
			CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
			town.live(random, 60);
			tbk_pool_scrub_wait(town.fleet.pool);
			CHECK_EQ(town.outcome().found, town.outcome().healed);
			healed += town.outcome().healed;
		}
		CHECK(is_clean(town));
	}
	CHECK(healed > 40);
}
