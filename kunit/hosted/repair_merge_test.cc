// SPDX-License-Identifier: GPL-2.0
/* A node that is lost, and merges: one that meets it, and others. */
#include <thinback/format/node.h>

#include "../harness/check.h"
#include "victim.h"

using namespace thinback;

namespace {

/* All that were written of a volume's leaves but the first. */
void flip_later_leaves(MemoryDevice &device, u32 owner)
{
	for (u64 block = 0; block < device.size() / 4096; block++) {
		format::BlockHeader header = {};

		device.read(block * 4096, &header, sizeof(header));
		if (header.magic.get() == format::node_magic && header.self.get() == block &&
		    header.owner.get() == owner && header.kind == 1 && header.level == 0 &&
		    header.low.get() > 0)
			flip(device, block);
	}
}

void fill_with_snapshot(JournalRig &rig, const char *volume)
{
	rig.turn_to(volume, nullptr);
	for (u64 block = 0; block < 400; block++)
		(void)rig.write(block * 2, block + 1);
	(void)tbk_snapshot_create(rig.pool, volume, "s", nullptr);
	for (u64 block = 0; block < 400; block += 4)
		(void)rig.write(block * 2, block + 1001);
}

} // namespace

TBK_TEST(merge_that_meets_a_lost_node_holds_up_no_other)
{
	JournalRig rig;
	struct tbk_pool_info info {};

	REQUIRE(rig.is_ok());
	REQUIRE_EQ(tbk_volume_create(rig.pool, "other", 64 << 20, 0, nullptr), 0);
	fill_with_snapshot(rig, "disk");
	fill_with_snapshot(rig, "other");
	(void)tbk_pool_settle(rig.pool);
	rig.stop();
	flip_later_leaves(rig.device, 1);
	rig.start();
	REQUIRE(rig.is_ok());
	/* The first leaf of this one is merged before the second cannot be. */
	CHECK_EQ(tbk_remove(rig.pool, "disk", "s", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(tbk_remove(rig.pool, "other", "s", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	tbk_pool_describe(rig.pool, &info);
	CHECK_EQ(info.hidden, 1);
	rig.turn_to("other", nullptr);
	for (u64 block = 0; block < 400; block += 3)
		CHECK(rig.holds(block * 2, block % 4 ? block + 1 : block + 1001));
}
