// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/span.h>

#include "../harness/check.h"
#include "small_disk.h"

using namespace thinback;

namespace {

/* Random changes of disks, each beside its array. */
struct Mixer {
	struct kunit *test;
	SmallPool &pool;
	Random random;

	void map(SmallDisk &disk, u64 at, u32 count)
	{
		Want want;
		auto found = find_extent_locked(disk.tree, *pool.cache, VirtualBlock(at),
						BlockCount(count));

		REQUIRE_OK(found);
		check_mapping(test, disk, at, found.value());
		/* As a writer would, mostly. */
		want.goal = random.one_in(4) ? 0 : found.value().goal;
		want.offset = static_cast<u32>(at % 16);
		want.count = count;
		want.apart = random.one_in(10);
		const Status mapped = disk.map(at, want);
		if (mapped.error() == Err::no_space)
			CHECK_OK(disk.unmap(random.below(space_blocks), 5000));
		else
			CHECK_OK(mapped);
	}

	void look_up(SmallDisk &disk, u64 at)
	{
		auto found = disk.find(at, 1 + random.below(2000));

		if (found.is_ok())
			check_mapping(test, disk, at, found.value());
		else
			CHECK(found.error() == Err::would_block);
	}

	/* Near one another, and the leaf stays open where it can. */
	void change_some(SmallDisk &disk, u64 at)
	{
		disk.editor.stay();
		for (u32 i = 0; i < 20; i++) {
			const u64 near = at + random.below(200);

			if (random.one_in(4))
				CHECK_OK(disk.unmap(near, 1 + random.below(50)));
			else
				map(disk, near, 1);
		}
		disk.editor.leave();
	}

	void change(SmallDisk &disk)
	{
		const u64 at = random.below(space_blocks - 300);

		switch (random.below(8)) {
		case 0:
			CHECK_OK(disk.unmap(at, 1 + random.below(200)));
			break;
		case 1:
		case 2:
			look_up(disk, at);
			break;
		case 3:
			map(disk, at, static_cast<u32>(1 + random.below(100)));
			break;
		default:
			map(disk, at / 2 * 2, 1);
		}
		if (random.one_in(20))
			change_some(disk, at);
		if (random.one_in(2000))
			CHECK_OK(disk.unmap(at, space_blocks));
	}

	/* All of @disks are sealed; some go on changing before the checkpoint is written. */
	void checkpoint(Span<SmallDisk *> disks)
	{
		for (SmallDisk *disk : disks)
			pool.seal(disk->tree);
		pool.flip();
		for (u32 i = 0; i < 20; i++) {
			SmallDisk *disk = disks[random.below(disks.size())];

			if (!disk->tree.is_empty())
				change(*disk);
		}
		CHECK_OK(pool.write_out());
		if (random.one_in(3))
			pool.cache->shrink(static_cast<u32>(random.below(200)));
	}
};

} // namespace

TBK_TEST(extents_of_volume_agree_with_plain_array)
{
	REQUIRE_ONE_DISK(pool, disk);
	auto mixer_made = make<Mixer>(Mixer{ test, pool, Random() });
	REQUIRE_OK(mixer_made);
	Mixer &mixer = *mixer_made.value();
	SmallDisk *disks[] = { &disk };

	for (u32 i = 0; i < 30000; i++) {
		mixer.change(disk);
		if (mixer.random.one_in(1000))
			mixer.checkpoint({ disks, 1 });
		if (mixer.random.one_in(3000))
			check_disk(test, pool, disk);
	}
	check_disk(test, pool, disk);
	CHECK_OK(disk.free_all());
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

/*
 * A line of snapshots and a clone of each: 0 and 1 are snapshots, 2 the volume,
 * 3 and 4 clones of the snapshots. Removed in the order that needs no cleaner.
 */
TBK_TEST(extents_of_snapshots_and_clones_agree_with_arrays)
{
	REQUIRE_POOL(pool, 65536);
	REQUIRE_DISK(first, pool, 1);
	REQUIRE_DISK(second, pool, 2);
	REQUIRE_DISK(volume, pool, 3);
	REQUIRE_DISK(clone_1, pool, 4);
	REQUIRE_DISK(clone_2, pool, 5);
	auto mixer_made = make<Mixer>(Mixer{ test, pool, Random() });
	REQUIRE_OK(mixer_made);
	Mixer &mixer = *mixer_made.value();
	SmallDisk *live[] = { &volume, &clone_1, &clone_2 };
	SmallDisk *all[] = { &first, &second, &volume, &clone_1, &clone_2 };

	for (u32 i = 0; i < 5000; i++)
		mixer.change(volume);
	volume.leave_to(first);
	clone_1.clone_of(first, pool.generation - 1);
	for (u32 i = 0; i < 3000; i++)
		mixer.change(*live[mixer.random.below(2)]);
	volume.leave_to(second);
	clone_2.clone_of(second, pool.generation - 1);
	for (u32 i = 0; i < 10000; i++) {
		mixer.change(*live[mixer.random.below(3)]);
		if (!mixer.random.one_in(500))
			continue;
		mixer.checkpoint({ live, 3 });
		TreeAudit audit(test, pool);

		for (SmallDisk *disk : all)
			check_with(audit, test, *disk);
		for (SmallDisk *disk : all)
			disk->editor.relax();
		audit.check_all_seen();
	}
	for (u32 left = 5; left > 0; left--) {
		CHECK_OK(all[left - 1]->free_all());
		CHECK_OK(pool.checkpoint(all[left - 1]->tree));
		TreeAudit audit(test, pool);

		for (u32 i = 0; i + 1 < left; i++)
			check_with(audit, test, *all[i]);
		for (u32 i = 0; i + 1 < left; i++)
			all[i]->editor.relax();
		audit.check_all_seen();
	}
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

/* Room that comes after they were sealed gives them none. */
TBK_TEST(extents_sealed_without_room_have_no_copies)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_DISK(full, pool, 1);
	REQUIRE_DISK(other, pool, 2);
	Want want;

	want.count = space_blocks;
	want.reserved = true;
	CHECK_OK(other.map(0, 1000));
	CHECK(full.map(0, want).error() == Err::no_space);
	pool.seal(full.tree);
	CHECK_EQ(full.tree.root().mirror, 0);
	CHECK_OK(other.free_all());
	CHECK_OK(pool.checkpoint(other.tree));
	CHECK(pool.space->free_for_data() > 0);
	TreeAudit audit(test, pool);

	check_with(audit, test, full);
	full.editor.relax();
	audit.check_all_seen();
}
