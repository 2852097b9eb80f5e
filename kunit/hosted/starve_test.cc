// SPDX-License-Identifier: GPL-2.0
/* Guests that take what a full pool keeps for its nodes. */
#include "../harness/check.h"
#include "quota_rig.h"

using namespace thinback;

namespace {

constexpr u64 image = 15360; /* blocks */
constexpr u32 clones = 5;

/* Every other block of a clone: each is an extent then, and not a block comes back. Until one fails. */
u64 punch(struct tbk_pool *pool, const char *name)
{
	struct tbk_volume *volume = nullptr;
	u64 count = 0;

	if (tbk_volume_open(pool, name, nullptr, 0, &volume, nullptr))
		return 0;
	for (u64 at = 0; at < image && QuotaRig::ask(volume, TBK_OP_DISCARD, at) == 0; at += 2)
		count++;
	tbk_volume_close(volume);
	return count;
}

/* Removed, and not gone. */
u32 remains(struct tbk_pool *pool)
{
	struct tbk_object_info info {};
	u32 count = 0;

	for (u32 id = 0; tbk_pool_next(pool, id, &info) == 0; id = info.id)
		count += (info.flags & TBK_OBJECT_REMOVING) != 0;
	return count;
}

} // namespace

TBK_TEST(discards_leave_nodes_enough_for_all_else)
{
	const char *names[clones] = { "c", "d", "e", "f", "g" };
	QuotaRig rig;
	u64 punched = 0;

	REQUIRE(rig.b);
	CHECK(QuotaRig::fill(rig.a, 0) > image);
	rig.close();
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	for (const char *name : names)
		CHECK_EQ(tbk_clone_create(rig.pool, "a", "s", name, 0, nullptr), 0);
	for (const char *name : names)
		punched += punch(rig.pool, name);
	/* Not all, or nothing has run short. */
	CHECK(punched > 0 && punched < clones * (image / 2));
	CHECK_EQ(tbk_pool_sync(rig.pool), 0);
	CHECK_EQ(rig.about().flags & TBK_POOL_FAILED, 0);
	CHECK_EQ(tbk_volume_create(rig.pool, "h", mib, 0, nullptr), 0);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "c", "t", nullptr), 0);
	CHECK_EQ(tbk_volume_resize(rig.pool, "c", mib, TBK_RESIZE_SHRINK, nullptr), 0);
	CHECK_EQ(tbk_rollback(rig.pool, "c", "t", nullptr, nullptr), 0);
	CHECK_EQ(tbk_remove(rig.pool, "d", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_remove(rig.pool, "e", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(remains(rig.pool), 0);
	REQUIRE((rig.about().flags & TBK_POOL_FAILED) == 0);
	CHECK(rig.is_sound());
}
