// SPDX-License-Identifier: GPL-2.0
/*
 * Bits that have changed on the disk, in any block of metadata: what is read
 * is right or an error, whatever else is asked of the pool does no harm.
 */
#include "../harness/check.h"
#include "victim.h"

using namespace thinback;

TBK_TEST(corruption_is_an_error_and_never_a_wrong_byte)
{
	constexpr u64 tries = 10500;
	Victim victim;
	Random random;
	u64 opened = 0;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < tries; i++) {
		/* The journal's last block looks as if it had never been written. */
		const Damage damage = i % 5 == 4 ? Damage::bad_sector : Damage::bits;
		const bool may_be_old = victim.spoil(random, damage) == Kind::journal;

		victim.rig.start();
		if (!victim.rig.pool)
			continue;
		opened++;
		CHECK(victim.reads_right("clone", nullptr, false));
		CHECK(victim.reads_right("disk", "s", false));
		CHECK(victim.reads_right("disk", nullptr, may_be_old));
		if (victim.rig.is_ok()) {
			(void)victim.rig.write(random.below(2 * Victim::blocks), 1);
			(void)victim.rig.flush();
		}
		victim.rig.stop();
	}
	CHECK(opened > tries / 4);
	CHECK(opened < tries);
	victim.restore();
	victim.tell();
}

TBK_TEST(corruption_is_found_by_check)
{
	Victim victim;
	Random random;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 4000; i++) {
		const Kind kind = victim.spoil(random);
		const std::string said = victim.rig.findings();

		/* Slots that are not in use, and what has never been in use again, may be anything. */
		if (kind >= Kind::catalog || !said.empty())
			continue;
		victim.rig.start();
		CHECK(victim.rig.is_ok());
		CHECK(victim.reads_right("disk", "s", false));
		victim.rig.stop();
	}
	victim.restore();
	CHECK(victim.rig.findings().empty());
}

/* Of a root or a branch: not one read fails, and afterwards both copies are right, or can be made so. */
TBK_TEST(corruption_of_one_copy_harms_nothing)
{
	Victim victim;
	Random random;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 500; i++) {
		victim.spoil_copy(random);
		victim.rig.start();
		REQUIRE(victim.rig.pool != nullptr);
		CHECK(victim.reads_all("clone", nullptr));
		CHECK(victim.reads_all("disk", "s"));
		CHECK(victim.reads_all("disk", nullptr));
		CHECK_EQ(victim.rig.write(2 * Victim::blocks + random.below(100), 1), 0);
		CHECK_EQ(victim.rig.flush(), 0);
		victim.rig.stop();
		struct tbk_check check {};

		CHECK_EQ(tbk_pool_repair(&victim.rig.device, &check, nullptr), 0);
		CHECK(victim.rig.findings().empty());
	}
	victim.restore();
}

namespace {

/* Also when the journal has changes for that leaf, which can neither be made nor be left out. */
void lose_leaves(struct kunit *test, Damage damage)
{
	Victim victim;
	Random random;
	u32 lost = 0;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 120 * kinds; i++) {
		if (victim.spoil(random, damage) != Kind::leaf)
			continue;
		victim.rig.start();
		REQUIRE(victim.rig.pool != nullptr);
		CHECK(victim.reads_right("clone", nullptr, false));
		CHECK(victim.reads_right("disk", "s", false));
		CHECK(victim.reads_right("disk", nullptr, false));
		u64 value = 0;

		for (u64 block = 0; block < 2 * Victim::blocks; block += 2) {
			if (victim.rig.read(block, value) == 0)
				continue;
			lost++;
			if (victim.rig.write(block, 5) != 0)
				continue;
			CHECK(victim.rig.holds(block, 5));
		}
		CHECK_EQ(victim.rig.flush(), 0);
		victim.rig.leave();
		CHECK_EQ(tbk_remove(victim.rig.pool, "disk", "s", 0, nullptr), 0);
		CHECK_EQ(tbk_pool_settle(victim.rig.pool), 0);
		victim.rig.stop();
		struct tbk_check check {};

		check.repair = TBK_REPAIR_DROP;
		CHECK_EQ(tbk_pool_repair(&victim.rig.device, &check, nullptr), 0);
		CHECK(victim.rig.findings().empty());
	}
	CHECK(lost > 100);
	victim.restore();
}

} // namespace

TBK_TEST(corruption_of_a_leaf_keeps_no_pool_from_opening)
{
	lose_leaves(test, Damage::bits);
}

TBK_TEST(bad_sector_in_a_leaf_keeps_no_pool_from_opening)
{
	lose_leaves(test, Damage::bad_sector);
}

TBK_TEST(corruption_of_a_read_only_pool_changes_nothing)
{
	Victim victim;
	Random random;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 500; i++) {
		victim.spoil(random);
		const u64 before = victim.rig.device.counts().writes;

		victim.rig.start(TBK_POOL_READ_ONLY);
		if (victim.rig.pool)
			(void)victim.reads_right("disk", nullptr, true);
		victim.rig.stop();
		CHECK_EQ(victim.rig.device.counts().writes, before);
	}
}
