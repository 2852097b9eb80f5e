// SPDX-License-Identifier: GPL-2.0
/* Renaming, rolling back and resizing what there is. */
#include "../../drivers/store/handle.h"
#include "../harness/check.h"
#include "journal_rig.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 last = 64 * mib / 4096 - 1; /* block of the rig's volume */

int snapshot(JournalRig &rig, const char *name)
{
	return tbk_snapshot_create(rig.pool, "disk", name, nullptr);
}

/* An open volume has a few blocks ready for its next change. */
u64 free_bytes(JournalRig &rig)
{
	struct tbk_pool_info info {};

	rig.leave();
	tbk_pool_settle(rig.pool);
	tbk_pool_describe(rig.pool, &info);
	return info.free;
}

} // namespace

TBK_TEST(rename_takes_snapshots_along)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	CHECK_EQ(snapshot(rig, "s"), 0);
	rig.write(1, 2);
	rig.leave();
	CHECK_EQ(tbk_rename(rig.pool, "disk", nullptr, "drive", nullptr), 0);
	CHECK_EQ(tbk_rename(rig.pool, "drive", "s", "t", nullptr), 0);
	rig.turn_to("disk", nullptr);
	CHECK(!rig.is_ok());
	rig.turn_to("drive", nullptr);
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 2));
	rig.turn_to("drive", "t");
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 1));
}

TBK_TEST(rename_to_a_name_that_exists_is_refused)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(tbk_volume_create(rig.pool, "other", mib, 0, nullptr), 0);
	CHECK_EQ(tbk_rename(rig.pool, "other", nullptr, "disk", nullptr), -TBK_EEXIST);
	CHECK_EQ(tbk_rename(rig.pool, "other", nullptr, "a/b", nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_rename(rig.pool, "nobody", nullptr, "x", nullptr), -TBK_ENOENT);
	CHECK_EQ(tbk_rename(rig.pool, "other", nullptr, "other", nullptr), 0);
}

TBK_TEST(rename_of_what_is_open_is_refused)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(snapshot(rig, "s"), 0);
	CHECK_EQ(tbk_rename(rig.pool, "disk", nullptr, "drive", nullptr), -TBK_EBUSY);
	rig.turn_to("disk", "s");
	CHECK_EQ(tbk_rename(rig.pool, "disk", nullptr, "drive", nullptr), -TBK_EBUSY);
	CHECK_EQ(tbk_rename(rig.pool, "disk", "s", "t", nullptr), -TBK_EBUSY);
}

TBK_TEST(rename_is_there_after_a_crash)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(snapshot(rig, "s"), 0);
	rig.leave();
	CHECK_EQ(tbk_rename(rig.pool, "disk", nullptr, "drive", nullptr), 0);
	rig.crash();
	CHECK(!rig.is_ok());
	rig.turn_to("drive", "s");
	CHECK(rig.is_ok());
}

TBK_TEST(rollback_brings_back_content_and_size)
{
	JournalRig rig;
	struct tbk_object_info before {};
	struct tbk_object_info after {};

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	CHECK_EQ(snapshot(rig, "s"), 0);
	rig.write(1, 2);
	rig.write(2, 2);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 80 * mib, 0, nullptr), 0);
	tbk_pool_find(rig.pool, "disk", nullptr, &before, nullptr);
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", nullptr, nullptr), 0);
	tbk_pool_find(rig.pool, "disk", nullptr, &after, nullptr);
	CHECK_EQ(after.size, 64 * mib);
	CHECK_EQ(__builtin_memcmp(before.uuid, after.uuid, sizeof(after.uuid)), 0);
	rig.turn_to("disk", nullptr);
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 1));
	CHECK(rig.holds(2, 0));
	CHECK_EQ(rig.write(2, 3), 0);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 1));
	CHECK(rig.holds(2, 3));
	CHECK(rig.is_sound());
}

TBK_TEST(rollback_gives_back_what_came_after)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 100; block++)
		rig.write(block, 1);
	CHECK_EQ(snapshot(rig, "s"), 0);
	const u64 before = free_bytes(rig);

	rig.turn_to("disk", nullptr);
	for (u64 block = 50; block < 150; block++)
		rig.write(block, 2);
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", nullptr, nullptr), 0);
	CHECK_EQ(free_bytes(rig), before);
}

TBK_TEST(rollback_keeps_what_was_as_a_snapshot)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	CHECK_EQ(snapshot(rig, "s"), 0);
	rig.write(1, 2);
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", "s", nullptr), -TBK_EEXIST);
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", "was", nullptr), 0);
	rig.turn_to("disk", nullptr);
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 1));
	CHECK_EQ(rig.write(1, 3), 0);
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "was", "was2", nullptr), 0);
	CHECK(rig.is_sound());
	CHECK(rig.holds(1, 2));
	rig.turn_to("disk", "was2");
	CHECK(rig.holds(1, 3));
}

/* Before any checkpoint has sealed the tree it takes over: a clone would write into the same nodes. */
TBK_TEST(rollback_is_sealed_for_a_clone_at_once)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	CHECK_EQ(snapshot(rig, "s"), 0);
	(void)tbk_pool_settle(rig.pool);
	Checkpointer &checkpointer = rig.pool->pool->checkpointer();

	checkpointer.hold();
	rig.write(1, 2);
	rig.leave();
	hosted_spawn("rollback",
		     [&] { CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", "was", nullptr), 0); });
	hosted_sleep_ms(10);
	hosted_spawn("clone", [&] {
		CHECK_EQ(tbk_clone_create(rig.pool, "disk", "was", "clone", 0, nullptr), 0);
	});
	hosted_sleep_ms(10);
	rig.turn_to("clone", nullptr);
	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(1, 3), 0);
	checkpointer.release();
	checkpointer.request();
	hosted_sleep_ms(5000);
	CHECK(rig.holds(1, 3));
	rig.turn_to("disk", "was");
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 2));
	CHECK(rig.is_sound());
}

TBK_TEST(rollback_of_what_is_open_is_refused)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(snapshot(rig, "s"), 0);
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", nullptr, nullptr), -TBK_EBUSY);
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "t", nullptr, nullptr), -TBK_ENOENT);
	CHECK_EQ(tbk_rollback(rig.pool, "disk", nullptr, nullptr, nullptr), -TBK_EINVAL);
}

TBK_TEST(rollback_to_an_early_snapshot_keeps_later_ones)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 value = 1; value < 4; value++) {
		const char *const names[] = { "", "a", "b", "c" };

		rig.write(1, value);
		CHECK_EQ(snapshot(rig, names[value]), 0);
	}
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "a", nullptr, nullptr), 0);
	rig.turn_to("disk", nullptr);
	CHECK(rig.holds(1, 1));
	rig.turn_to("disk", "c");
	CHECK(rig.holds(1, 3));
	CHECK(rig.is_sound());
}

TBK_TEST(resize_grows_while_open)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	CHECK(rig.write(last + 1, 1) < 0);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 100 * mib, 0, nullptr), 0);
	CHECK_EQ(rig.write(last + 1, 1), 0);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(last + 1, 1));
	CHECK(rig.is_sound());
}

/* In memory it is larger before any checkpoint says so: what a flush wrote past the old end comes back. */
TBK_TEST(resize_is_no_trap_for_what_a_flush_wrote)
{
	JournalRig rig;
	int grown = 1;

	REQUIRE(rig.is_ok());
	(void)tbk_pool_settle(rig.pool);
	/* Of its checkpoint. */
	rig.device.delay_write(1);
	hosted_spawn("grow",
		     [&] { grown = tbk_volume_resize(rig.pool, "disk", 100 * mib, 0, nullptr); });
	hosted_sleep_ms(10);
	CHECK_EQ(grown, 1);
	CHECK_EQ(rig.write(last + 1, 1), 0);
	CHECK_EQ(rig.flush(), 0);
	MemoryDevice image(rig.device.size());

	image.copy_from(rig.device);
	hosted_sleep_ms(120000);
	CHECK_EQ(grown, 0);
	rig.stop();
	rig.device.copy_from(image);
	rig.start();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(last + 1, 1));
	CHECK(rig.is_sound());
}

TBK_TEST(resize_does_not_shrink_unasked)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(last, 1);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 4 * mib, 0, nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 0, TBK_RESIZE_SHRINK, nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_volume_resize(rig.pool, "nobody", mib, 0, nullptr), -TBK_ENOENT);
	CHECK(rig.holds(last, 1));
}

TBK_TEST(resize_cuts_off_for_good)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(1, 1);
	rig.flush();
	const u64 before = free_bytes(rig);

	rig.turn_to("disk", nullptr);
	for (u64 block = 2000; block < 2100; block++)
		rig.write(block, 1);
	rig.write(last, 1);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 4 * mib, TBK_RESIZE_SHRINK, nullptr), 0);
	CHECK(rig.write(2000, 1) < 0);
	CHECK_EQ(free_bytes(rig), before);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 64 * mib, 0, nullptr), 0);
	rig.turn_to("disk", nullptr);
	CHECK(rig.holds(1, 1));
	CHECK(rig.holds(2000, 0));
	CHECK(rig.holds(last, 0));
	CHECK(rig.is_sound());
}

TBK_TEST(resize_of_a_clone_hides_what_its_parent_has)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 3000; block++)
		rig.write(block, 1);
	CHECK_EQ(snapshot(rig, "s"), 0);
	CHECK_EQ(tbk_clone_create(rig.pool, "disk", "s", "clone", 0, nullptr), 0);
	rig.turn_to("clone", nullptr);
	CHECK_EQ(tbk_volume_resize(rig.pool, "clone", 4 * mib, TBK_RESIZE_SHRINK, nullptr), 0);
	CHECK(rig.is_sound());
	CHECK_EQ(tbk_volume_resize(rig.pool, "clone", 64 * mib, 0, nullptr), 0);
	rig.turn_to("clone", nullptr);
	CHECK(rig.holds(1, 1));
	CHECK(rig.holds(2000, 0));
	rig.turn_to("disk", nullptr);
	CHECK(rig.holds(2000, 1));
}

/* Records from before the cut are past the end after it. */
TBK_TEST(resize_and_journal_agree_after_a_crash)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	rig.write(last, 1);
	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 4 * mib, TBK_RESIZE_SHRINK, nullptr), 0);
	rig.write(2, 2);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(2, 2));
	CHECK(rig.write(last, 1) < 0);
	CHECK(rig.is_sound());
}

/* It passed the check of its range, and then had to wait for those before it. */
TBK_TEST(resize_cuts_off_a_write_that_waits_for_it)
{
	JournalRig rig;
	int first = 1;
	int shrunk = 1;
	int late = 1;

	REQUIRE(rig.is_ok());
	rig.device.hold();
	hosted_spawn("first", [&] { first = rig.write(1, 1); });
	hosted_yield();
	hosted_spawn("shrink", [&] {
		shrunk = tbk_volume_resize(rig.pool, "disk", 4 * mib, TBK_RESIZE_SHRINK, nullptr);
	});
	hosted_yield();
	hosted_spawn("late", [&] { late = rig.write(last, 1); });
	hosted_yield();
	rig.device.let_go();
	hosted_sleep_ms(5000);
	CHECK_EQ(first, 0);
	CHECK_EQ(shrunk, 0);
	CHECK_EQ(late, -TBK_EINVAL);
	CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 64 * mib, 0, nullptr), 0);
	CHECK(rig.holds(last, 0));
	CHECK(rig.is_sound());
}

/* ... or was between that check and the gate when the end moved. */
TBK_TEST(resize_cuts_off_a_write_that_is_about_to_begin)
{
	for (u64 seed = 1; seed <= 300; seed++) {
		const auto body = [&] {
			JournalRig rig;
			int late = 1;

			REQUIRE(rig.is_ok());
			hosted_spawn("late", [&] { late = rig.write(last, 1); });
			CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 4 * mib, TBK_RESIZE_SHRINK,
						   nullptr),
				 0);
			hosted_sleep_ms(5000);
			CHECK(late == 0 || late == -TBK_EINVAL);
			CHECK_EQ(tbk_volume_resize(rig.pool, "disk", 64 * mib, 0, nullptr), 0);
			CHECK(rig.holds(last, 0));
		};
		CHECK(hosted_run(body, { seed, false }));
	}
}

/* Whichever read of a leaf fails: the end is where it was, and what is before it, too. The root has a copy. */
TBK_TEST(resize_that_cannot_read_the_map_cuts_nothing_off)
{
	constexpr u64 extents = 1000;
	JournalRig rig;
	u32 refused = 0;
	int shrunk = -1;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < extents; i++)
		CHECK_EQ(rig.write(2 * i, i + 1), 0);
	for (u64 n = 2; shrunk != 0 && n < 100; n++) {
		rig.leave();
		CHECK_EQ(tbk_pool_close(rig.pool, nullptr), 0);
		rig.start();
		REQUIRE(rig.is_ok());
		rig.device.fail_read(n);
		shrunk = tbk_volume_resize(rig.pool, "disk", mib, TBK_RESIZE_SHRINK, nullptr);
		rig.device.fail_read(0);
		if (shrunk == 0)
			break;
		refused++;
		for (u64 i = 0; i < extents; i += 10)
			CHECK(rig.holds(2 * i, i + 1));
		CHECK(rig.holds(last, 0));
	}
	CHECK_EQ(shrunk, 0);
	CHECK(refused > 3);
	CHECK(!rig.holds(last, 0));
	CHECK(rig.holds(0, 1));
	CHECK(!rig.is_damaged());
}
