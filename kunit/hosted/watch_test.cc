// SPDX-License-Identifier: GPL-2.0
/* How much is left of the pool, and who is told. */
#include "../../drivers/store/watch.h"
#include "../harness/check.h"
#include "quota_rig.h"

using namespace thinback;

TBK_TEST(levels_have_marks_and_some_room_to_spare)
{
	const Marks marks;
	const auto left = [](u64 thousandths) {
		return Left{ thousandths, 1000, thousandths == 0 };
	};

	CHECK(next_level(Level::ok, left(200), marks) == Level::ok);
	CHECK(next_level(Level::ok, left(199), marks) == Level::low);
	CHECK(next_level(Level::low, left(219), marks) == Level::low);
	CHECK(next_level(Level::low, left(220), marks) == Level::ok);
	CHECK(next_level(Level::ok, left(49), marks) == Level::critical);
	CHECK(next_level(Level::critical, left(69), marks) == Level::critical);
	CHECK(next_level(Level::critical, left(70), marks) == Level::low);
	CHECK(next_level(Level::critical, left(219), marks) == Level::low);
	CHECK(next_level(Level::critical, left(220), marks) == Level::ok);
	CHECK(next_level(Level::ok, left(0), marks) == Level::full);
	CHECK(next_level(Level::full, left(10), marks) == Level::critical);
	CHECK(next_level(Level::full, left(500), marks) == Level::ok);
}

TBK_TEST(level_is_told_when_full_and_after)
{
	QuotaRig rig;
	Told told;

	REQUIRE(rig.b);
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
	tbk_pool_listen(rig.pool, &told.listener);
	for (u64 i = 0; QuotaRig::write(rig.b, i) == 0; i++) {
		if (i % 1024 == 0)
			CHECK_EQ(tbk_pool_sync(rig.pool), 0);
	}
	hosted_sleep_ms(10);
	CHECK(told.said == "level 1 level 2 level 3 ");
	told.said.clear();
	CHECK_EQ(rig.remove_b(), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(2000);
	CHECK(told.said == "level 0 ");
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
}

TBK_TEST(level_is_full_when_the_rest_is_reserved)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_RESERVE, 0, 40 * mib / block), 0);
	CHECK(rig.fill_up());
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_FULL);
	CHECK_EQ(QuotaRig::ask(rig.b, TBK_OP_DISCARD, 0, 200), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_FULL);
	CHECK_EQ(QuotaRig::ask(rig.b, TBK_OP_DISCARD, 1000, 1000), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
}

TBK_TEST(marks_survive)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	for (u64 at = 0; at < 700; at++)
		CHECK_EQ(QuotaRig::write(rig.a, at), 0);
	CHECK_EQ(rig.about().low, 200);
	CHECK_EQ(rig.about().critical, 50);
	CHECK_EQ(tbk_pool_marks(rig.pool, 0, 300, nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_pool_marks(rig.pool, 991, 0, nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_pool_marks(rig.pool, 990, 25, nullptr), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_LOW);
	rig.reopen();
	REQUIRE(rig.b);
	CHECK_EQ(rig.about().low, 990);
	CHECK_EQ(rig.about().critical, 25);
	CHECK_EQ(rig.about().level, TBK_LEVEL_LOW);
	CHECK(rig.is_sound());
}
