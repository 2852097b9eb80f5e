// SPDX-License-Identifier: GPL-2.0
#include "space_rig.h"

using namespace thinback;

namespace {

enum class Fate : u8 { free, taken, used, freed_before, freed_now };

/* What each block should be, as epochs go on, beside a Space. */
struct Ledger {
	SmallPool &pool;
	struct kunit *test;
	Random random;
	Home home;
	Fate *fates;
	u64 counts[5] = {};

	void set(u64 block, Fate fate)
	{
		counts[static_cast<u32>(fates[block])]--;
		counts[static_cast<u32>(fate)]++;
		fates[block] = fate;
	}

	void take()
	{
		Want want = metadata(static_cast<u32>(1 + random.below(40)));

		want.offset = static_cast<u32>(random.below(16));
		want.apart = random.one_in(4);
		want.goal = random.one_in(2) ? random.below(format::smallest_pool) : 0;
		auto run = pool.space->take(home, want);

		if (!run.is_ok()) {
			CHECK(run.error() == Err::no_space);
			CHECK_EQ(counts[0], 0);
			return;
		}
		CHECK(run.value().count >= 1 && run.value().count <= want.count);
		CHECK(pool.space->is_sound(run.value().start, run.value().count));
		for (u64 b = run.value().start; b < run.value().start + run.value().count; b++) {
			CHECK(fates[b] == Fate::free);
			set(b, Fate::taken);
		}
	}

	/* A run of blocks of one fate, of any length. */
	Run some(Fate fate)
	{
		const u64 at = random.below(format::smallest_pool);
		const u32 most = static_cast<u32>(1 + random.below(30));
		Run run = { at, 0 };

		while (run.count < most && at + run.count < format::smallest_pool &&
		       fates[at + run.count] == fate)
			run.count++;
		return run;
	}

	void change(Fate from, Fate to)
	{
		const Run run = some(from);

		if (run.count == 0)
			return;
		if (to == Fate::free)
			pool.space->give_back(run);
		if (to == Fate::used)
			pool.space->use(pool.epoch, run);
		if (to == Fate::freed_now)
			CHECK_OK(pool.space->free(pool.epoch, run,
						  random.one_in(2) ? Space::Freed::data
								   : Space::Freed::node));
		for (u64 b = run.start; b < run.start + run.count; b++)
			set(b, to);
	}

	void age(Fate from, Fate to)
	{
		for (u64 b = 0; b < format::smallest_pool; b++) {
			if (fates[b] == from)
				set(b, to);
		}
	}

	void step()
	{
		switch (random.below(8)) {
		case 0:
		case 1:
		case 2:
			take();
			break;
		case 3:
			change(Fate::taken, Fate::free);
			break;
		case 4:
		case 5:
			change(Fate::taken, Fate::used);
			break;
		default:
			change(Fate::used, Fate::freed_now);
		}
	}

	/* The older epoch becomes durable, while changes were made in the newer. */
	void end_epoch()
	{
		age(Fate::freed_now, Fate::freed_before);
		pool.flip();
		for (u32 i = 0; i < 20; i++)
			step();
		CHECK_OK(pool.write_out());
		age(Fate::freed_before, Fate::free);
	}
};

} // namespace

TBK_TEST(space_agrees_with_plain_array)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	void *fates = tbk_big_alloc(format::smallest_pool);

	REQUIRE(fates != nullptr);
	Ledger ledger = { pool, test, Random(), {}, static_cast<Fate *>(fates), {} };

	ledger.counts[0] = pool.empty;
	for (u64 b = 0; b < format::smallest_pool; b++) {
		if (!pool.space->is_sound(b, 1))
			ledger.fates[b] = static_cast<Fate>(99);
	}
	for (u32 i = 0; i < 5000; i++) {
		ledger.step();
		if (i % 100 == 99)
			ledger.end_epoch();
		CHECK_EQ(pool.space->free_blocks(), ledger.counts[0]);
		CHECK_EQ(pool.space->freeing_blocks(), ledger.counts[3] + ledger.counts[4]);
	}
	CHECK_OK(write_epoch(pool));
	ledger.age(Fate::freed_now, Fate::free);
	ledger.age(Fate::freed_before, Fate::free);
	/* What was taken and not used is free again after a crash. */
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), ledger.counts[0] + ledger.counts[1]);
	tbk_big_free(fates);
}
