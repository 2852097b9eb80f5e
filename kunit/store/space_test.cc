// SPDX-License-Identifier: GPL-2.0
#include "../harness/check.h"
#include "small_pool.h"

using namespace thinback;

namespace {

constexpr u64 group_blocks = format::group_blocks;
constexpr u64 fixed_0 = 44 + 8 + SmallPool::journal_blocks;

#define REQUIRE_POOL(name, blocks)                    \
	auto name##_made = SmallPool::create(blocks); \
	REQUIRE_OK(name##_made);                      \
	SmallPool &name = *name##_made.value()

Want metadata(u32 count = 1)
{
	Want want;

	want.count = count;
	want.metadata = true;
	return want;
}

/* Takes and uses @count blocks in as few runs as it gets; false when there are not so many. */
bool use_up(SmallPool &pool, Home &home, u64 count)
{
	while (count > 0) {
		const u64 most = 1u << 20;
		auto run = pool.space->take(home, metadata(static_cast<u32>(min(count, most))));

		if (!run.is_ok())
			return false;
		pool.space->use(pool.epoch, run.value());
		count -= run.value().count;
	}
	return true;
}

Status write_epoch(SmallPool &pool)
{
	pool.flip();
	return pool.write_out();
}

} // namespace

TBK_TEST(space_new_pool_has_all_but_fixed_blocks)
{
	REQUIRE_POOL(pool, 2 * group_blocks + 1000);

	CHECK_EQ(pool.empty, 2 * group_blocks + 1000 - fixed_0 - 18 - 18);
	Home home;
	CHECK(use_up(pool, home, pool.empty));
	CHECK_EQ(pool.space->free_blocks(), 0);
	CHECK(pool.space->take(home, metadata()).error() == Err::no_space);
}

/* free + size - fixed went below zero. */
TBK_TEST(space_last_group_too_small_for_its_bitmaps_is_left)
{
	REQUIRE_POOL(pool, group_blocks + 5);

	CHECK_EQ(pool.empty, group_blocks - fixed_0);
	CHECK(!pool.space->is_sound(group_blocks + 2, 1));
	Home home;
	CHECK(use_up(pool, home, pool.empty));
	CHECK(pool.space->take(home, metadata()).error() == Err::no_space);
	CHECK_OK(write_epoch(pool));
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), 0);
}

TBK_TEST(space_is_sound_refuses_fixed_blocks_and_beyond)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	const Space &space = *pool.space;
	const u64 past_journal = format::journal_start + SmallPool::journal_blocks;

	CHECK(!space.is_sound(43, 1) && space.is_sound(44, 1));
	CHECK(space.is_sound(8191, 1) && !space.is_sound(8191, 2));
	CHECK(!space.is_sound(100, 10000) && !space.is_sound(past_journal - 1, 1));
	CHECK(space.is_sound(past_journal, 1000));
	CHECK(space.is_sound(group_blocks - 1, 1) && !space.is_sound(group_blocks - 1, 2));
	CHECK(!space.is_sound(group_blocks + 17, 1) && space.is_sound(group_blocks + 18, 1));
	CHECK(space.is_sound(2 * group_blocks - 1, 1) && !space.is_sound(2 * group_blocks - 1, 2));
	CHECK(!space.is_sound(2 * group_blocks, 1) && !space.is_sound(~0ull, 2));
	CHECK(!space.is_sound(100, 0) && !space.is_sound(100, ~0ull));
}

TBK_TEST(space_take_keeps_back_a_slice_for_metadata)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;
	u64 taken = 0;

	want.count = 100;
	for (;;) {
		auto run = pool.space->take(home, want);

		if (!run.is_ok())
			break;
		REQUIRE(run.value().count >= 1 && run.value().count <= 100);
		taken += run.value().count;
	}
	CHECK_EQ(pool.space->free_blocks(), 256);
	CHECK_EQ(taken, pool.empty - 256);
	CHECK(pool.space->take(home, want).error() == Err::no_space);
	CHECK_OK(pool.space->take(home, metadata()));
}

TBK_TEST(space_take_prefers_goal)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;
	Want want;

	CHECK_OK(pool.space->take(home, want));
	want.goal = 10001;
	want.count = 9;
	auto run = pool.space->take(home, want);

	REQUIRE_OK(run);
	CHECK_EQ(run.value().start, 10001);
	CHECK_EQ(run.value().count, 9);
	want.goal = 9990;
	want.count = 100;
	auto before = pool.space->take(home, want);
	REQUIRE_OK(before);
	CHECK_EQ(before.value().start, 9990);
	CHECK_EQ(before.value().count, 11);
}

TBK_TEST(space_take_goes_on_beside_goal_that_is_taken)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;

	CHECK_OK(pool.space->take(home, want));
	const u64 wrong[] = { 1, 8192, 8200, 20000000, ~0ull, format::smallest_pool };

	for (u64 goal : wrong) {
		want.goal = goal;
		auto run = pool.space->take(home, want);

		REQUIRE_OK(run);
		CHECK(pool.space->is_sound(run.value().start, run.value().count));
	}
}

TBK_TEST(space_take_would_block_when_bitmaps_are_unread)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;

	want.may_wait = false;
	CHECK(pool.space->take(home, want).error() == Err::would_block);
	want.may_wait = true;
	CHECK_OK(pool.space->take(home, want));
	want.may_wait = false;
	CHECK_OK(pool.space->take(home, want));
}

TBK_TEST(space_homes_do_not_share_a_group)
{
	REQUIRE_POOL(pool, 3 * group_blocks);
	Home homes[3];
	const Want want;

	for (Home &home : homes)
		REQUIRE_OK(pool.space->take(home, want));
	CHECK(homes[0].group.load_relaxed() != homes[1].group.load_relaxed());
	CHECK(homes[1].group.load_relaxed() != homes[2].group.load_relaxed());
	CHECK(homes[0].group.load_relaxed() != homes[2].group.load_relaxed());
}

TBK_TEST(space_take_moves_on_when_home_is_full)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;

	CHECK(use_up(pool, home, group_blocks - fixed_0));
	const u32 first = home.group.load_relaxed();
	CHECK(use_up(pool, home, 1000));
	CHECK(home.group.load_relaxed() != first);
}

/* One damaged bitmap made the whole pool refuse writes. */
TBK_TEST(space_take_goes_elsewhere_when_bitmaps_are_bad)
{
	REQUIRE_POOL(pool, 3 * group_blocks);
	Home homes[3];
	const u64 zero = 0;

	for (Home &home : homes)
		CHECK(use_up(pool, home, 10));
	CHECK_OK(write_epoch(pool));
	CHECK_OK(pool.device->write((group_blocks + 1) * format::block_size, &zero, sizeof(zero)));
	CHECK_OK(pool.reopen());

	for (u32 i = 0; i < 6; i++) {
		Home home;

		CHECK_OK(pool.space->take(home, metadata()));
		CHECK(home.group.load_relaxed() != 1);
	}
}

TBK_TEST(space_given_back_can_be_taken_at_once)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	Want want;

	want.count = 20;
	auto run = pool.space->take(home, want);
	REQUIRE_OK(run);
	pool.space->give_back(run.value());
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	want.goal = run.value().start;
	CHECK_EQ(pool.space->take(home, want).value().start, run.value().start);
}

namespace {

/* Takes, uses and, in @epoch, frees 7 blocks. */
Run use_and_free(SmallPool &pool, u64 epoch, Space::Freed what)
{
	Home home;
	auto run = pool.space->take(home, metadata(7));

	if (!run.is_ok())
		return {};
	pool.space->use(pool.epoch, run.value());
	if (!pool.space->free(epoch, run.value(), what).is_ok())
		return {};
	return run.value();
}

} // namespace

TBK_TEST(space_freed_data_waits_for_durable_and_reclaim)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Space &space = *pool.space;

	CHECK_EQ(use_and_free(pool, 1, Space::Freed::data).count, 7);
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	CHECK_EQ(space.freeing_blocks(), 7);
	CHECK(!space.reclaim_begin());
	space.reclaim_end();
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	space.durable(1);
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	CHECK(space.reclaim_begin());
	CHECK_EQ(space.free_blocks(), pool.empty - 7);
	space.reclaim_end();
	CHECK_EQ(space.free_blocks(), pool.empty);
	CHECK_EQ(space.freeing_blocks(), 0);
}

TBK_TEST(space_freed_node_waits_for_durable_only)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK_EQ(use_and_free(pool, 1, Space::Freed::node).count, 7);
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 7);
	pool.space->durable(1);
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	CHECK(!pool.space->reclaim_begin());
}

TBK_TEST(space_freed_in_next_epoch_waits_for_that)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK_EQ(use_and_free(pool, 1, Space::Freed::node).count, 7);
	CHECK_EQ(use_and_free(pool, 2, Space::Freed::node).count, 7);
	CHECK_EQ(use_and_free(pool, 2, Space::Freed::data).count, 7);
	pool.space->durable(1);
	CHECK_EQ(pool.space->freeing_blocks(), 14);
	CHECK(!pool.space->reclaim_begin());
	pool.space->durable(2);
	CHECK_EQ(pool.space->freeing_blocks(), 7);
	CHECK(pool.space->reclaim_begin());
	pool.space->reclaim_end();
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(space_freed_run_count_outgrows_a_page)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_EQ(use_and_free(pool, 1, Space::Freed::data).count, 7);
	CHECK_EQ(pool.space->freeing_blocks(), 7000);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	CHECK_EQ(pool.space->freeing_blocks(), 0);
	/* Those that the end finds here are not lost. */
	CHECK_EQ(use_and_free(pool, pool.epoch, Space::Freed::data).count, 7);
}

TBK_TEST(space_write_then_open_finds_the_same)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;

	CHECK(use_up(pool, home, group_blocks - fixed_0 - 77));
	CHECK(use_up(pool, home, 100));
	const u64 free = pool.space->free_blocks();

	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.super.free.get(), free);
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), free);
	/* All of it is there to be taken, and none twice. */
	Home other;
	CHECK(use_up(pool, other, free));
	CHECK(!use_up(pool, other, 1));
}

TBK_TEST(space_write_leaves_next_epoch_out)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK(use_up(pool, home, 10));
	pool.flip();
	CHECK(use_up(pool, home, 100));
	CHECK_OK(pool.write_out());
	CHECK_EQ(pool.super.free.get(), pool.empty - 10);
	const format::Superblock &super = pool.super;
	auto reopened = Space::open(*pool.device, super);

	REQUIRE_OK(reopened);
	CHECK_EQ(reopened.value()->free_blocks(), pool.empty - 10);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.super.free.get(), pool.empty - 110);
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 110);
}

TBK_TEST(space_write_without_changes_writes_nothing)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK_OK(pool.space->take(home, Want()));
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.device->writes(), 0);
	CHECK_EQ(pool.super.summaries[0], 0);
	CHECK(use_up(pool, home, 1));
	CHECK_OK(write_epoch(pool));
	/* A bitmap and the summary. */
	CHECK_EQ(pool.device->writes(), 2);
	CHECK_OK(write_epoch(pool));
	CHECK_EQ(pool.device->writes(), 2);
}

TBK_TEST(space_write_goes_to_the_other_slot)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK(use_up(pool, home, 10));
	CHECK_OK(write_epoch(pool));
	/* What the last checkpoint says must be there as long as the next one is not. */
	auto &before = *static_cast<format::Superblock *>(
		tbk_alloc(sizeof(format::Superblock), TBK_MAY_SLEEP));

	for (u32 i = 0; i < 5; i++) {
		__builtin_memcpy(&before, &pool.super, sizeof(before));
		CHECK(use_up(pool, home, 10));
		CHECK_OK(write_epoch(pool));
		auto old = Space::open(*pool.device, before);

		REQUIRE_OK(old);
		CHECK_EQ(old.value()->free_blocks(), pool.empty - 10ull * (i + 1));
		Home other;
		CHECK_OK(old.value()->take(other, metadata()));
	}
	tbk_free(&before);
}

TBK_TEST(space_write_says_which_blocks_a_bitmap_covers)
{
	REQUIRE_POOL(pool, 2 * group_blocks);
	Home home;
	format::BlockHeader header{};

	CHECK(use_up(pool, home, pool.empty));
	CHECK_OK(write_epoch(pool));
	for (u64 g = 0; g < 2; g++) {
		for (u64 i = 0; i < format::bitmaps_per_group; i++) {
			const u64 at = format::first_bitmap(g) + 2 * i + 1;
			const u64 low = g * group_blocks + i * format::bitmap_bits;

			pool.device->read(at * format::block_size, &header, sizeof(header));
			CHECK_EQ(header.self.get(), at);
			CHECK_EQ(header.low.get(), low);
			CHECK_EQ(header.high.get(),
				 min(low + format::bitmap_bits, (g + 1) * group_blocks));
		}
	}
}

TBK_TEST(space_write_reports_io_error)
{
	for (u32 n = 1; n <= 2; n++) {
		REQUIRE_POOL(pool, format::smallest_pool);
		Home home;

		CHECK(use_up(pool, home, 10));
		pool.device->fail_write(n);
		CHECK(write_epoch(pool).error() == Err::io_error);
	}
}

namespace {

/* A pool of two checkpoints, of which the second one's write of @block was lost. */
Status lose_write(SmallPool &pool, Home &home, u64 block)
{
	u8 *old = static_cast<u8 *>(tbk_alloc(format::block_size, TBK_MAY_SLEEP));

	if (!old)
		return Err::no_memory;
	for (u32 i = 0; i < 3; i++) {
		if (i == 2)
			pool.device->read(block * format::block_size, old, format::block_size);
		if (!use_up(pool, home, 10))
			return Err::no_space;
		TBK_TRY(write_epoch(pool));
	}
	const Status lost = pool.device->write(block * format::block_size, old, format::block_size);

	tbk_free(old);
	return lost;
}

} // namespace

TBK_TEST(space_lost_write_of_bitmap_is_noticed)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK_OK(lose_write(pool, home, format::first_bitmap(0) + 1));
	CHECK_OK(pool.reopen());
	CHECK(pool.space->take(home, metadata()).error() == Err::stale);
}

TBK_TEST(space_lost_write_of_summary_is_noticed)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;

	CHECK_OK(lose_write(pool, home, format::first_summary(0) + 1));
	CHECK(Space::open(*pool.device, pool.super).error() == Err::stale);
}

TBK_TEST(space_damaged_bitmap_is_noticed)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	Home home;
	const u64 at = (format::first_bitmap(0) + 1) * format::block_size;
	u8 byte = 0;

	CHECK(use_up(pool, home, 10));
	CHECK_OK(write_epoch(pool));
	pool.device->read(at + 1000, &byte, 1);
	byte ^= 4;
	CHECK_OK(pool.device->write(at + 1000, &byte, 1));
	CHECK_OK(pool.reopen());
	Home other;
	CHECK(pool.space->take(other, metadata()).error() == Err::bad_checksum);
}

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
