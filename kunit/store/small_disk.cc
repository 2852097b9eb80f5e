// SPDX-License-Identifier: GPL-2.0
#include "small_disk.h"

namespace thinback {

void check_mapping(struct kunit *test, const SmallDisk &disk, u64 block, const Mapping &found)
{
	const u64 end = min<u64>(block + found.run.raw(), space_blocks);

	CHECK(found.run.raw() > 0);
	for (u64 i = block; i < end; i++) {
		if (disk.targets[i] == 0) {
			REQUIRE(found.kind == Mapping::Kind::hole);
			continue;
		}
		REQUIRE(found.kind == Mapping::Kind::data);
		REQUIRE_EQ(found.target.raw() + (i - block), disk.targets[i]);
		REQUIRE_EQ(found.own, disk.births[i] > disk.tree.since());
	}
}

namespace {

/* Compares a tree with the array, extent by extent from the left. */
struct Comparison {
	struct kunit *test = nullptr;
	const SmallDisk &disk;
	u64 at = 0;

	static void see(void *context, const Node &leaf)
	{
		static_cast<Comparison *>(context)->compare(leaf);
	}

	void skip_to(u64 block)
	{
		while (at < block && disk.targets[at] == 0)
			at++;
		CHECK_EQ(at, block);
		at = block;
	}

	void compare(const Node &leaf)
	{
		for (u32 i = 0; i < leaf.count(); i++) {
			const u64 place = leaf.word(leaf.layout(), i, 0);
			const u64 target = leaf.word(leaf.layout(), i, 1) & format::low_48;
			const u64 count = place & format::max_extent;

			skip_to(place >> 24);
			REQUIRE(at + count <= space_blocks);
			for (u64 k = 0; k < count; k++)
				REQUIRE_EQ(disk.targets[at + k], target + k);
			at += count;
		}
	}
};

} // namespace

void check_with(TreeAudit &audit, struct kunit *test, SmallDisk &disk)
{
	Comparison comparison = { test, disk };

	disk.editor.relax();
	audit.look_at(disk.tree, { Comparison::see, &comparison });
	comparison.skip_to(space_blocks);
	CHECK_EQ(audit.mapped, disk.usage.mapped);
	CHECK_EQ(audit.own, disk.usage.own);
}

u64 check_disk(struct kunit *test, SmallPool &pool, SmallDisk &disk, u64 held)
{
	TreeAudit audit(test, pool);

	check_with(audit, test, disk);
	audit.check_all_seen(held);
	return audit.records;
}

} // namespace thinback
