// SPDX-License-Identifier: GPL-2.0
/* What a write does that finds no block: it fails, or waits, and who else goes on. */
#include <memory>

#include "../harness/check.h"
#include "quota_rig.h"

using namespace thinback;

TBK_TEST(wait_ends_in_time)
{
	QuotaRig rig;
	BlockAsked write;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_ON_FULL, 2, 0, TBK_FULL_WAIT, 5), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 0), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 1), 0);
	const u64 since = tbk_now_ns();

	write.submit(rig.a, TBK_OP_WRITE, 2);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(write.wait(), -TBK_ENOSPC);
	CHECK(tbk_now_ns() - since >= 5000000000ull);
	CHECK(tbk_now_ns() - since < 6000000000ull);
	CHECK_EQ(rig.object("a").waiting, 0);
}

/* Fills the pool with @b, and has a write of @a wait. */
#define REQUIRE_WAITING(rig, write)                            \
	do {                                                   \
		REQUIRE((rig).b);                              \
		CHECK((rig).fill_up());                        \
		(write).submit((rig).a, TBK_OP_WRITE, 500);    \
		REQUIRE((rig).waits(write, "a"));              \
		CHECK_EQ((rig).about().level, TBK_LEVEL_FULL); \
	} while (0)

TBK_TEST(wait_ends_with_a_removal)
{
	QuotaRig rig;
	BlockAsked write;

	CHECK_EQ(rig.policy("a", TBK_FULL_WAIT, 60), 0);
	REQUIRE_WAITING(rig, write);
	CHECK_EQ(rig.remove_b(), 0);
	CHECK_EQ(write.wait(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(pause_ends_with_a_removal)
{
	QuotaRig rig;
	BlockAsked write;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	REQUIRE_WAITING(rig, write);
	hosted_sleep_ms(200 * 1000);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(rig.remove_b(), 0);
	CHECK_EQ(write.wait(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(pause_ends_with_a_larger_quota)
{
	QuotaRig rig;
	BlockAsked write;

	REQUIRE(rig.pauses_at_quota(write, 2));
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 2), 0);
	CHECK_EQ(write.wait(), 0);
	CHECK_EQ(rig.object("a").own, 2 * block);
}

TBK_TEST(pause_ends_with_a_discard)
{
	QuotaRig rig;
	BlockAsked write;

	REQUIRE(rig.pauses_at_quota(write, 2));
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_DISCARD, 0), 0);
	CHECK_EQ(write.wait(), 0);
}

TBK_TEST(pause_ends_with_another_policy)
{
	QuotaRig rig;
	BlockAsked write;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	REQUIRE_WAITING(rig, write);
	CHECK_EQ(rig.policy("a", TBK_FULL_ERROR), 0);
	CHECK_EQ(write.wait(), -TBK_ENOSPC);
}

TBK_TEST(pause_ends_when_its_handle_leaves)
{
	QuotaRig rig;
	BlockAsked first;
	BlockAsked second;
	struct tbk_volume *other = nullptr;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	CHECK_EQ(tbk_volume_open(rig.pool, "a", nullptr, 0, &other, nullptr), 0);
	REQUIRE_WAITING(rig, first);
	second.submit(other, TBK_OP_WRITE, 600);
	CHECK(rig.waits(second, "a", 2));
	tbk_volume_leave(rig.a);
	CHECK_EQ(first.wait(), -TBK_ENOSPC);
	CHECK_EQ(QuotaRig::write(rig.a, 700), -TBK_ENOSPC);
	CHECK(rig.waits(second, "a"));
	tbk_volume_leave(other);
	CHECK_EQ(second.wait(), -TBK_ENOSPC);
	tbk_volume_close(other);
}

TBK_TEST(pause_holds_up_nobody_else)
{
	QuotaRig rig;
	BlockAsked write;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 0), 0);
	REQUIRE_WAITING(rig, write);
	CHECK_EQ(QuotaRig::write(rig.a, 0), 0);
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_READ, 500), 0);
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_DISCARD, 7), 0);
	CHECK_EQ(QuotaRig::ask(rig.a, TBK_OP_FLUSH, 0), 0);
	CHECK_EQ(tbk_pool_sync(rig.pool), 0);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	CHECK_EQ(tbk_volume_resize(rig.pool, "a", 300 * mib, 0, nullptr), 0);
	CHECK_EQ(tbk_remove(rig.pool, "a", "s", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(rig.policy("a", TBK_FULL_ERROR), 0);
	CHECK_EQ(write.wait(), -TBK_ENOSPC);
	CHECK(rig.is_sound());
}

TBK_TEST(pause_ends_past_a_new_end)
{
	QuotaRig rig;
	BlockAsked write;

	REQUIRE(rig.pauses_at_quota(write, 2000));
	CHECK_EQ(tbk_volume_resize(rig.pool, "a", mib, TBK_RESIZE_SHRINK, nullptr), 0);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 5), 0);
	CHECK_EQ(write.wait(), -TBK_EINVAL);
	CHECK(rig.is_sound());
}

/* Reclaiming waits for all requests inside, of which some go on in a worker. */
TBK_TEST(retries_leave_a_worker_to_who_is_waited_for)
{
	constexpr u32 many = 40;
	QuotaRig rig;
	BlockAsked first;
	BlockAsked second;
	auto writes = std::make_unique<BlockAsked[]>(many);
	u32 refused = 0;

	REQUIRE(rig.b);
	CHECK(rig.fill_up());
	CHECK_EQ(QuotaRig::ask(rig.b, TBK_OP_DISCARD, 0, 16), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(QuotaRig::write(rig.a, 0), 0);
	rig.device.delay_write(1);
	first.submit(rig.a, TBK_OP_WRITE, 10);
	second.submit(rig.a, TBK_OP_WRITE, 10);
	CHECK_EQ(QuotaRig::ask(rig.b, TBK_OP_DISCARD, 1000, 200), 0);
	for (u32 i = 0; i < many; i++)
		writes[i].submit(rig.a, TBK_OP_WRITE, 100 + i);
	hosted_sleep_ms(120 * 1000);
	REQUIRE(first.is_done && second.is_done);
	for (u32 i = 0; i < many; i++)
		refused += writes[i].wait() != 0;
	CHECK_EQ(refused, 0);
	CHECK(rig.is_sound());
}
