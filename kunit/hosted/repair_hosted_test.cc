// SPDX-License-Identifier: GPL-2.0
/* Repairs of anything, and of a pool that has lost its superblocks. */
#include <stdio.h>

#include "repair_calls.h"

using namespace thinback;

TBK_TEST(repair_of_any_corruption_makes_no_wrong_byte)
{
	Victim victim;
	Random random;
	u64 mended = 0;
	u64 damaged = 0;
	constexpr u64 tries = 1400;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < tries; i++) {
		const Damage damage = i % 5 == 4 ? Damage::bad_sector : Damage::bits;
		const bool may_be_old = victim.spoil(random, damage) == Kind::journal;
		const Kinds before = kinds_found(victim.rig.device);
		const u64 writes = victim.rig.device.counts().writes;
		const int done = repair(victim.rig.device);
		const Kinds after = kinds_found(victim.rig.device);

		CHECK(done >= 0 || before.damaged > 0);
		CHECK(before.damaged > 0 || after.damaged + after.others == 0);
		/* A journal that is only to be replayed is no reason to write. */
		if (before.damaged + before.others == 0)
			CHECK_EQ(victim.rig.device.counts().writes, writes);
		mended += done > 0;
		damaged += after.damaged > 0;
		/* All is right, or the check still says what is not. */
		CHECK(after.damaged > 0 || after.others == 0);
		victim.rig.start();
		CHECK(after.damaged > 0 || victim.rig.is_ok());
		if (!victim.rig.pool)
			continue;
		/* What was free after all is written to, and was nobody's. */
		victim.rig.turn_to("clone", nullptr);
		for (u64 block = 700; victim.rig.is_ok() && block < 740; block++)
			(void)victim.rig.write(block, 7);
		CHECK(victim.reads_right("clone", nullptr, false));
		CHECK(victim.reads_right("disk", "s", false));
		CHECK(victim.reads_right("disk", nullptr, may_be_old));
		CHECK(after.damaged > 0 || victim.rig.is_sound());
		victim.rig.stop();
	}
	CHECK(mended > 30);
	victim.restore();
	victim.tell();
	printf("# %llu had something that was mended; of all, %llu are damaged still\n", mended,
	       damaged);
}

namespace {

/* Of whatever was spoilt nothing is left but errors; what is written anew can be read. */
void expect_dropped(struct kunit *test, Victim &victim, bool may_be_old)
{
	const Kinds after = kinds_found(victim.rig.device);

	CHECK_EQ(after.damaged + after.others, 0);
	if (after.damaged + after.others)
		tbk_test_failed(test, __FILE__, __LINE__, victim.rig.findings().c_str());
	victim.rig.start();
	REQUIRE(victim.rig.pool != nullptr);
	CHECK(victim.reads_right("clone", nullptr, false));
	CHECK(victim.reads_right("disk", "s", false));
	CHECK(victim.reads_right("disk", nullptr, may_be_old));
	victim.rig.turn_to("disk", nullptr);
	for (u64 block = 0; victim.rig.is_ok() && block < 2 * Victim::blocks; block++)
		CHECK_EQ(victim.rig.write(block, 7), 0);
	for (u64 block = 0; victim.rig.is_ok() && block < 2 * Victim::blocks; block += 7)
		CHECK(victim.rig.holds(block, 7));
	CHECK(victim.reads_right("clone", nullptr, false));
	CHECK(victim.rig.is_sound());
	victim.rig.stop();
}

} // namespace

TBK_TEST(repair_that_drops_makes_no_wrong_byte)
{
	Victim victim;
	Random random;
	u32 dropped = 0;
	u32 left = 0;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 300; i++) {
		const Damage damage = i % 5 == 4 ? Damage::bad_sector : Damage::bits;
		const bool may_be_old = victim.spoil(random, damage) == Kind::journal;
		const bool was_damaged = kinds_found(victim.rig.device).damaged > 0;
		const int done = repair(victim.rig.device, TBK_REPAIR_DROP);

		if (was_damaged && (done <= 0 || kinds_found(victim.rig.device).damaged > 0)) {
			/* The catalog, or a branch from which two trees descend. */
			left++;
			continue;
		}
		dropped += was_damaged;
		expect_dropped(test, victim, may_be_old);
	}
	CHECK(dropped > 40);
	CHECK(left < 60);
	victim.restore();
}

namespace {

void lose_superblocks(MemoryDevice &device)
{
	constexpr u64 bytes = format::ring_length * format::block_size;

	device.clear(format::ring_a * format::block_size, bytes);
	device.clear(format::ring_b * format::block_size, bytes);
}

} // namespace

TBK_TEST(repair_finds_pool_that_lost_all_superblocks)
{
	Victim victim;

	REQUIRE(victim.is_ok());
	lose_superblocks(victim.rig.device);
	CHECK(kinds_found(victim.rig.device).damaged == 1);
	CHECK(repair(victim.rig.device) > 0);
	CHECK(victim.rig.findings().empty());
	if (!victim.rig.findings().empty())
		tbk_test_failed(test, __FILE__, __LINE__, victim.rig.findings().c_str());
	victim.rig.start();
	REQUIRE(victim.rig.pool != nullptr);
	CHECK(victim.reads_right("disk", nullptr, false));
	CHECK(victim.reads_right("clone", nullptr, false));
	CHECK(victim.reads_right("disk", "s", false));
	CHECK(victim.rig.is_sound());
	victim.restore();
}
