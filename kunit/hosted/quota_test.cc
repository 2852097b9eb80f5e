// SPDX-License-Identifier: GPL-2.0
/* Quotas and reserves. */
#include <memory>
#include <string.h>
#include <vector>

#include "../harness/check.h"
#include "quota_rig.h"

using namespace thinback;

TBK_TEST(quota_is_exact_to_the_block)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 10), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 100), 10);
	CHECK_EQ(QuotaRig::write(rig.a, 200), -TBK_ENOSPC);
	CHECK_EQ(QuotaRig::write(rig.a, 100), 0);
	CHECK_EQ(QuotaRig::write(rig.b, 100), 0);
	CHECK_EQ(rig.object("a").own, 10 * block);
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_DISCARD, 100, 3), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 1000), 3);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 5), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 300), -TBK_ENOSPC);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 0), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 300), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(quota_is_exact_among_writes_at_once)
{
	QuotaRig rig;
	std::vector<std::unique_ptr<BlockAsked>> writes;
	u32 done = 0;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 37), 0);
	for (u64 i = 0; i < 60; i++) {
		writes.push_back(std::make_unique<BlockAsked>());
		writes.back()->submit(rig.a, TBK_OP_WRITE, i * 7);
	}
	for (const auto &write : writes)
		done += write->wait() == 0;
	CHECK_EQ(done, 37);
	CHECK_EQ(rig.object("a").own, 37 * block);
}

TBK_TEST(quota_counts_what_is_own_alone)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 10), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 0), 10);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 5), 10);
	CHECK_EQ(tbk_clone_create(rig.pool, "a", "s", "clone", 0, nullptr), 0);
	CHECK_EQ(rig.object("clone").quota, 0);
	/* What it shared becomes its own: more than the quota, and nothing is lost. */
	CHECK_EQ(tbk_remove(rig.pool, "clone", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_remove(rig.pool, "a", "s", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.object("a").own, 15 * block);
	CHECK_EQ(QuotaRig::write(rig.a, 100), -TBK_ENOSPC);
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_DISCARD, 0, 6), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 100), 1);
	CHECK(rig.is_sound());
}

TBK_TEST(quota_that_is_reached_is_told_once)
{
	QuotaRig rig;
	Told told;

	REQUIRE(rig.b);
	tbk_pool_listen(rig.pool, &told.listener);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 3), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 0), 3);
	CHECK_EQ(QuotaRig::fill(rig.a, 10), 0);
	hosted_sleep_ms(10);
	CHECK(told.said == "quota a ");
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_DISCARD, 0, 1), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 50), 1);
	hosted_sleep_ms(10);
	CHECK(told.said == "quota a quota a ");
}

TBK_TEST(reserve_keeps_the_last_blocks)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_RESERVE, 0, 200), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 0), 0);
	const u64 given = QuotaRig::fill(rig.b, 0);

	CHECK_EQ(rig.about().reserved, 199 * block);
	CHECK_EQ(QuotaRig::write(rig.b, given), -TBK_ENOSPC);
	CHECK(QuotaRig::fill(rig.a, 1) >= 199);
	CHECK_EQ(rig.about().reserved, 0);
	/* Nothing was left for it but what had been kept, give or take nodes. */
	CHECK(rig.object("a").own <= 264 * block);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_RESERVE, 0, 0), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(reserve_that_is_not_there_is_refused)
{
	QuotaRig rig;
	struct tbk_why why {};
	const struct tbk_volume_limits much = { TBK_LIMIT_RESERVE, 0, 0, 0, 200 * mib, 0 };
	const struct tbk_volume_limits half = { TBK_LIMIT_RESERVE, 0, 0, 0, 70 * mib, 0 };

	REQUIRE(rig.b);
	CHECK_EQ(tbk_volume_limit(rig.pool, "a", &much, &why), -TBK_ENOSPC);
	CHECK(strstr(why.text, "tank/a"));
	CHECK(why.hint[0] != 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "a", &half, nullptr), 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "b", &half, nullptr), -TBK_ENOSPC);
	rig.close();
	CHECK_EQ(tbk_remove(rig.pool, "a", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "b", &half, nullptr), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(limits_that_make_no_sense_are_refused)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.policy("a", 3), -TBK_EINVAL);
	CHECK_EQ(rig.policy("a", TBK_FULL_WAIT, 3601), -TBK_EINVAL);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_RESERVE, 10, 11), -TBK_EINVAL);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 1ull << 40), -TBK_EINVAL);
	CHECK_EQ(rig.limit("nobody", TBK_LIMIT_QUOTA, 10), -TBK_ENOENT);
}

TBK_TEST(limits_survive)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_RESERVE | TBK_LIMIT_ON_FULL, 50, 20,
			   TBK_FULL_WAIT, 7),
		 0);
	CHECK_EQ(QuotaRig::write(rig.a, 1), 0);
	rig.reopen();
	REQUIRE(rig.b);
	const struct tbk_object_info info = rig.object("a");

	CHECK_EQ(info.quota, 50 * block);
	CHECK_EQ(info.reserve, 20 * block);
	CHECK_EQ(info.on_full, TBK_FULL_WAIT);
	CHECK_EQ(info.full_wait, 7);
	CHECK_EQ(rig.about().reserved, 19 * block);
	CHECK_EQ(rig.policy("a", TBK_FULL_ERROR), 0);
	CHECK_EQ(QuotaRig::fill(rig.a, 2), 49);
}

TBK_TEST(limits_stay_with_the_name)
{
	QuotaRig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_RESERVE, 50, 20), 0);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	rig.close();
	CHECK_EQ(tbk_rollback(rig.pool, "a", "s", "was", nullptr), 0);
	CHECK_EQ(rig.object("a").quota, 50 * block);
	CHECK_EQ(rig.about().reserved, 20 * block);
	CHECK(rig.is_sound());
}
