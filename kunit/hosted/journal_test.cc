// SPDX-License-Identifier: GPL-2.0
/* Flushes by the journal, and what is there after the power has gone. */
#include "../harness/check.h"
#include "journal_rig.h"

using namespace thinback;

TBK_TEST(journal_flush_with_changes_is_one_write)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(5, 1);
	rig.write(900, 2);
	const DeviceCounts before = rig.device.counts();

	CHECK_EQ(rig.flush(), 0);
	const DeviceCounts &after = rig.device.counts();

	CHECK_EQ(after.writes - before.writes, 1u);
	CHECK_EQ(after.bytes_written - before.bytes_written, 4096u);
	CHECK_EQ(after.flushes - before.flushes, 1u);
}

TBK_TEST(journal_flush_without_changes_flushes_the_device)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(5, 1);
	rig.flush();
	rig.write(5, 2);
	const DeviceCounts before = rig.device.counts();

	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(rig.device.counts().writes - before.writes, 0u);
	CHECK_EQ(rig.device.counts().flushes - before.flushes, 1u);
}

TBK_TEST(journal_flush_without_cache_is_nothing)
{
	MemoryDevice::Options options = JournalRig::asynchronous;

	options.volatile_cache = false;
	JournalRig rig(options);
	REQUIRE(rig.is_ok());
	rig.write(5, 1);
	rig.flush();
	const DeviceCounts before = rig.device.counts();

	rig.write(5, 2);
	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(rig.device.counts().writes - before.writes, 1u);
	CHECK_EQ(rig.device.counts().flushes - before.flushes, 0u);
}

TBK_TEST(journal_flushed_changes_come_back)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 50; block++)
		rig.write(block * 7, block + 1);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 50; block++)
		CHECK(rig.holds(block * 7, block + 1));
	CHECK(rig.holds(1, 0));
	CHECK(rig.is_sound());
}

/* The power goes again before anything is written. */
TBK_TEST(journal_replayed_twice_is_the_same)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(5, 1);
	rig.flush();
	rig.write(5, 2);
	rig.write(6, 3);
	rig.flush();
	for (int i = 0; i < 3; i++) {
		rig.crash();
		REQUIRE(rig.is_ok());
		CHECK(rig.holds(5, 2));
		CHECK(rig.holds(6, 3));
		rig.write(7 + i, 4);
		CHECK_EQ(rig.flush(), 0);
		rig.write(17 + i, 4);
		CHECK_EQ(rig.flush(), 0);
	}
	rig.crash();
	for (int i = 0; i < 3; i++) {
		CHECK(rig.holds(7 + i, 4));
		CHECK(rig.holds(17 + i, 4));
	}
	CHECK(rig.is_sound());
}

TBK_TEST(journal_of_a_read_only_pool_is_seen)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(5, 1);
	rig.flush();
	rig.crash(TBK_POOL_READ_ONLY);
	REQUIRE(rig.is_ok());
	const DeviceCounts before = rig.device.counts();

	CHECK(rig.holds(5, 1));
	hosted_sleep_ms(10000);
	CHECK_EQ(rig.device.counts().writes - before.writes, 0u);
}

TBK_TEST(journal_brings_back_discards)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 20; block++)
		rig.write(block, 9);
	tbk_pool_sync(rig.pool);
	rig.discard(3, 5);
	rig.write(4, 2);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(2, 9));
	CHECK(rig.holds(3, 0));
	CHECK(rig.holds(4, 2));
	CHECK(rig.holds(7, 0));
	CHECK(rig.holds(8, 9));
	CHECK(rig.is_sound());
}

/* A snapshot moves the generation on; what is replayed belongs to the one after. */
TBK_TEST(journal_brings_back_writes_to_a_clone)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(5, 1);
	rig.flush();
	CHECK_EQ(tbk_snapshot_create(rig.pool, "disk", "s", nullptr), 0);
	rig.write(5, 2);
	rig.write(6, 3);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(5, 2));
	CHECK(rig.holds(6, 3));
	rig.turn_to("disk", "s");
	CHECK(rig.holds(5, 1));
	CHECK(rig.holds(6, 0));
	CHECK(rig.is_sound());
}

TBK_TEST(journal_takes_a_thousand_changes_in_one_flush)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	const u64 before = rig.checkpoint();

	for (u64 i = 0; i < 1000; i++)
		rig.write(i * 2, i + 1);
	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(rig.checkpoint(), before);
	rig.crash();
	for (u64 i = 0; i < 1000; i++)
		CHECK(rig.holds(i * 2, i + 1));
}

TBK_TEST(journal_log_that_overflows_waits_for_a_checkpoint)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	const u64 before = rig.checkpoint();

	for (u64 i = 0; i < 1100; i++)
		rig.write(i * 2, i + 1);
	CHECK_EQ(rig.flush(), 0);
	CHECK(rig.checkpoint() > before);
	rig.crash();
	for (u64 i = 0; i < 1100; i++)
		CHECK(rig.holds(i * 2, i + 1));
}

/* More flushes than the journal has blocks. */
TBK_TEST(journal_goes_round)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 2500; i++) {
		rig.write(i % 1900, i + 1);
		REQUIRE_EQ(rig.flush(), 0);
		if (i % 600 == 599)
			rig.crash();
		if (i % 100 == 99)
			rig.discard(i % 1900, 1);
	}
	rig.crash();
	CHECK(rig.is_sound());
	for (u64 i = 1901; i < 2500; i++)
		CHECK(i % 100 == 99 || rig.holds(i % 1900, i + 1));
}

TBK_TEST(journal_with_a_gap_is_refused)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 5; i++) {
		rig.write(i, 1);
		rig.flush();
	}
	rig.damage_journal(2);
	rig.crash();
	CHECK(!rig.is_ok());
}

TBK_TEST(journal_cut_at_its_end_is_not)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 5; i++) {
		rig.write(i, 1);
		rig.flush();
	}
	rig.damage_journal(4);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(3, 1));
	CHECK(rig.holds(4, 0));
}

/* The sector that the power cut was in the middle of. */
TBK_TEST(journal_with_a_bad_sector_at_its_end_ends_there)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 5; i++) {
		rig.write(i, 1);
		rig.flush();
	}
	rig.stop();
	rig.break_journal(5);
	CHECK(rig.findings().empty());
	rig.start();
	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 5; i++)
		CHECK(rig.holds(i, 1));
	CHECK(rig.is_sound());
}

TBK_TEST(journal_with_a_bad_sector_in_the_middle_is_refused_and_mended)
{
	struct tbk_check repair {};
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 5; i++) {
		rig.write(i, 1);
		rig.flush();
	}
	rig.stop();
	rig.break_journal(2);
	rig.start();
	CHECK(!rig.is_ok());
	rig.stop();
	CHECK_EQ(tbk_pool_repair(&rig.device, &repair, nullptr), 0);
	rig.start();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 1));
	CHECK(rig.holds(2, 0));
	CHECK(rig.is_sound());
}

TBK_TEST(journal_that_cannot_be_written_fails_the_flush)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	rig.device.fail_write(1);
	CHECK(rig.flush() < 0);
	CHECK(rig.flush() < 0);
	CHECK(rig.holds(1, 1));
	rig.crash();
	CHECK(rig.is_ok());
}

TBK_TEST(journal_is_sound_to_a_check_before_it_is_replayed)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 300; i++)
		rig.write(i * 3, i);
	rig.discard(30, 40);
	CHECK_EQ(rig.flush(), 0);
	rig.stop();
	CHECK(rig.findings().empty());
	rig.start();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(33, 0));
	CHECK(rig.holds(99, 33));
}

namespace {

/* Two blocks of the journal, of which the @n-th is spoilt: a check says @finding, and the pool does not open. */
void check_refused(struct kunit *test, u64 n, void (*spoil)(format::JournalRecord &record),
		   const char *finding)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	rig.flush();
	rig.write(2, 1);
	rig.flush();
	rig.stop();
	rig.spoil_journal(n, spoil);
	CHECK(rig.findings().find(finding) != std::string::npos);
	rig.start();
	CHECK(!rig.is_ok());
}

} // namespace

TBK_TEST(journal_that_maps_a_block_in_use_is_refused)
{
	/* Both to the same place. */
	check_refused(
		test, 1,
		[](format::JournalRecord &record) { record.target.set(record.target.get() - 1); },
		"are in use");
}

TBK_TEST(journal_of_no_volume_is_refused)
{
	check_refused(
		test, 0, [](format::JournalRecord &record) { record.volume.set(77); },
		"there is no volume 77");
}

TBK_TEST(journal_past_the_end_of_a_volume_is_refused)
{
	check_refused(
		test, 0,
		[](format::JournalRecord &record) { record.place.set(16384ull << 24 | 1); },
		"past the end of volume");
}

/* The superblock's write flushes the device and then takes its time: data written in place meanwhile is not covered. */
TBK_TEST(flush_that_comes_during_a_checkpoint_covers_writes_in_place)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	/* Until the first checkpoint the journal is not used. */
	rig.crash();
	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	const DeviceCounts before = rig.device.counts();

	rig.device.hold_at_flush();
	int synced = 1;
	int flushed = 1;

	hosted_spawn("sync", [&] { synced = tbk_pool_sync(rig.pool); });
	hosted_sleep_ms(1);
	hosted_spawn("flush", [&] { flushed = rig.flush(); });
	hosted_sleep_ms(1);
	rig.device.let_go();
	while (synced == 1 || flushed == 1)
		hosted_sleep_ms(1);
	CHECK_EQ(synced, 0);
	CHECK_EQ(flushed, 0);
	CHECK_EQ(rig.device.counts().flushes - before.flushes, 2u);
}

/*
 * A change of the map can be seen before its record is in the log. Whoever
 * writes in place to it, and flushes, finds it there after a power cut.
 */
TBK_TEST(journal_flush_covers_a_map_that_is_just_being_changed)
{
	for (u64 seed = 1; seed <= 200; seed++) {
		const bool ended = hosted_run(
			[&] {
				JournalRig rig;
				bool written = false;
				MemoryDevice image(rig.device.size());

				REQUIRE(rig.is_ok());
				hosted_spawn("first", [&] {
					rig.write(5, 1);
					written = true;
				});
				for (u64 i = hosted_pick(20); i > 0; i--)
					hosted_yield();
				CHECK_EQ(rig.write(5, 2), 0);
				CHECK_EQ(rig.flush(), 0);
				image.copy_from(rig.device);
				while (!written)
					hosted_sleep_ms(1);
				rig.stop();
				rig.device.copy_from(image);
				rig.start();
				REQUIRE(rig.is_ok());
				CHECK(rig.holds(5, 1) || rig.holds(5, 2));
			},
			{ seed, false });

		CHECK(ended);
	}
}
