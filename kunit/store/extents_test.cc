// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/span.h>

#include "../harness/check.h"
#include "tree_audit.h"

using namespace thinback;

namespace {

using Kind = Mapping::Kind;

constexpr u32 space_blocks = 30000; /* of a volume; what is beyond is never mapped */

/* A volume's tree and, for each block, where it should be: 0 in a hole. */
class Disk {
public:
	Disk(SmallPool &pool, u32 id)
		: tree(format::TreeKind::extents, id),
		  targets(static_cast<u32 *>(tbk_big_alloc(space_blocks * sizeof(u32)))),
		  births(static_cast<u32 *>(tbk_big_alloc(space_blocks * sizeof(u32)))),
		  editor(*pool.cache, *pool.space),
		  pool_(pool)
	{
	}
	~Disk()
	{
		tbk_big_free(targets);
		tbk_big_free(births);
	}
	Disk(const Disk &) = delete;
	Disk &operator=(const Disk &) = delete;

	bool is_ready() const { return targets && births; }

	/* Maps what Space gives of @want to @start on; all of it if that is possible. */
	Status map(u64 start, Want want)
	{
		while (want.count > 0) {
			const Run run = TBK_TRY(pool_.space->take(home, want));

			TBK_TRY(map_run(start, run));
			want.count -= run.count;
			start += run.count;
		}
		return {};
	}

	Status map(u64 start, u32 count)
	{
		Want want;

		want.count = count;
		return map(start, want);
	}

	Status map_run(u64 start, Run run)
	{
		TBK_TRY(editor.map(tree, usage, VirtualBlock(start), run, pool_.now()));
		for (u32 i = 0; i < run.count; i++) {
			targets[start + i] = static_cast<u32>(run.start) + i;
			births[start + i] = static_cast<u32>(pool_.generation);
		}
		return {};
	}

	Status unmap(u64 start, u64 count)
	{
		TBK_TRY(editor.unmap(tree, usage, VirtualBlock(start), BlockCount(count),
				     pool_.now()));
		for (u64 i = start; i < start + count && i < space_blocks; i++)
			targets[i] = births[i] = 0;
		return {};
	}

	Result<Mapping> find(u64 block, u64 most = 1000)
	{
		return find_extent(tree, *pool_.cache, VirtualBlock(block), BlockCount(most));
	}

	/* The volume as it is now is left to @snapshot, or to whoever is cloned from that. */
	void leave_to(Disk &snapshot)
	{
		pool_.seal(tree);
		snapshot.become(*this);
		snapshot.tree.set_since(tree.since());
		tree.set_since(pool_.generation++);
		usage.own = 0;
	}

	/* Starts as @other, which is a snapshot, taken in generation @since. */
	void clone_of(const Disk &other, u64 since)
	{
		become(other);
		tree.set_since(since);
		usage.own = 0;
	}

	Status free_all()
	{
		Status freed;

		while (freed.is_ok())
			freed = editor.free_last(tree, usage, pool_.now());
		editor.relax();
		usage = {};
		return freed.error() == Err::not_found ? Status() : freed;
	}

	Tree tree;
	Usage usage;
	Home home;
	u32 *const targets;
	u32 *const births;
	ExtentEditor editor;

private:
	void become(const Disk &other)
	{
		tree.set_root(other.tree.root(), false);
		usage = other.usage;
		__builtin_memcpy(targets, other.targets, space_blocks * sizeof(u32));
		__builtin_memcpy(births, other.births, space_blocks * sizeof(u32));
	}

	SmallPool &pool_;
};

/* What @found says of @block agrees with the array, for all blocks that it speaks of. */
void check_mapping(struct kunit *test, const Disk &disk, u64 block, const Mapping &found)
{
	const u64 end = min<u64>(block + found.run.raw(), space_blocks);

	CHECK(found.run.raw() > 0);
	for (u64 i = block; i < end; i++) {
		if (disk.targets[i] == 0) {
			REQUIRE(found.kind == Kind::hole);
			continue;
		}
		REQUIRE(found.kind == Kind::data);
		REQUIRE_EQ(found.target.raw() + (i - block), disk.targets[i]);
		REQUIRE_EQ(found.own, disk.births[i] > disk.tree.since());
	}
}

/* Compares a tree with the array, extent by extent from the left. */
struct Comparison {
	struct kunit *test = nullptr;
	const Disk &disk;
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

void check_with(TreeAudit &audit, struct kunit *test, Disk &disk)
{
	Comparison comparison = { test, disk };

	disk.editor.relax();
	audit.look_at(disk.tree, { Comparison::see, &comparison });
	comparison.skip_to(space_blocks);
	CHECK_EQ(audit.mapped, disk.usage.mapped);
	CHECK_EQ(audit.own, disk.usage.own);
}

u64 check_disk(struct kunit *test, SmallPool &pool, Disk &disk, u64 held = 0)
{
	TreeAudit audit(test, pool);

	check_with(audit, test, disk);
	audit.check_all_seen(held);
	return audit.records;
}

} // namespace

#define REQUIRE_POOL(name, blocks)                    \
	auto name##_made = SmallPool::create(blocks); \
	REQUIRE_OK(name##_made);                      \
	SmallPool &name = *name##_made.value()

#define REQUIRE_DISK(name, pool, id)             \
	auto name##_made = make<Disk>(pool, id); \
	REQUIRE_OK(name##_made);                 \
	Disk &name = *name##_made.value();       \
	REQUIRE(name.is_ready())

#define REQUIRE_ONE_DISK(pool, disk)               \
	REQUIRE_POOL(pool, format::smallest_pool); \
	REQUIRE_DISK(disk, pool, 1)

TBK_TEST(extents_empty_tree_is_one_hole)
{
	REQUIRE_ONE_DISK(pool, disk);
	auto found = disk.find(100, 77);

	REQUIRE_OK(found);
	CHECK(found.value().kind == Kind::hole);
	CHECK_EQ(found.value().run.raw(), 77);
	CHECK_EQ(found.value().goal, 0);
}

TBK_TEST(extents_mapped_run_is_found_from_inside)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 10));
	const u64 probes[] = { 0, 50, 99, 100, 104, 109, 110, 29999 };

	for (u64 at : probes) {
		auto found = disk.find(at);

		REQUIRE_OK(found);
		check_mapping(test, disk, at, found.value());
	}
	CHECK_EQ(disk.find(105, 100).value().run.raw(), 5);
	CHECK_EQ(disk.find(105, 2).value().run.raw(), 2);
	CHECK_EQ(disk.find(90, 100).value().run.raw(), 10);
	CHECK_EQ(disk.usage.mapped, 10);
	CHECK_EQ(disk.usage.own, 10);
}

TBK_TEST(extents_neighbours_become_one)
{
	REQUIRE_ONE_DISK(pool, disk);
	Want want;

	want.count = 30;
	auto run = pool.space->take(disk.home, want);
	REQUIRE_OK(run);
	const u64 at = run.value().start;

	CHECK_EQ(run.value().count, 30);
	CHECK_OK(disk.map_run(120, { at + 20, 10 }));
	CHECK_OK(disk.map_run(100, { at, 10 }));
	CHECK_EQ(check_disk(test, pool, disk, 10), 2);
	CHECK_OK(disk.map_run(110, { at + 10, 10 }));
	CHECK_EQ(check_disk(test, pool, disk), 1);
}

TBK_TEST(extents_neighbours_of_a_snapshot_stay_apart)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);
	Want want;

	want.count = 30;
	auto run = pool.space->take(disk.home, want);
	REQUIRE_OK(run);
	const u64 at = run.value().start;

	CHECK_OK(disk.map_run(100, { at, 10 }));
	disk.leave_to(snapshot);
	CHECK_OK(disk.map_run(110, { at + 10, 10 }));
	pool.generation++; /* another volume's snapshot */
	CHECK_OK(disk.map_run(120, { at + 20, 10 }));
	TreeAudit audit(test, pool);

	check_with(audit, test, snapshot);
	check_with(audit, test, disk);
	CHECK_EQ(audit.records, 2);
	CHECK_EQ(disk.usage.own, 20);
}

TBK_TEST(extents_mapped_over_frees_what_was_there)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 10));
	CHECK_OK(disk.map(95, 20));
	CHECK_EQ(disk.usage.mapped, 20);
	CHECK_EQ(pool.space->freeing_blocks(), 10);
	check_disk(test, pool, disk);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty - 20 - 1);
}

TBK_TEST(extents_mapped_inside_splits_in_three)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 30));
	CHECK_OK(disk.map(110, 5));
	CHECK_EQ(check_disk(test, pool, disk), 3);
	CHECK_EQ(disk.usage.mapped, 30);
	for (u64 at = 95; at < 135; at++)
		check_mapping(test, disk, at, disk.find(at).value());
}

TBK_TEST(extents_mapped_over_snapshot_frees_nothing)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);

	CHECK_OK(disk.map(100, 10));
	disk.leave_to(snapshot);
	CHECK(!disk.find(105).value().own);
	CHECK_OK(disk.map(102, 3));
	CHECK_EQ(pool.space->freeing_blocks(), 0);
	CHECK(disk.find(102).value().own);
	CHECK(!disk.find(105).value().own);
	CHECK_EQ(disk.usage.own, 3);
	TreeAudit audit(test, pool);

	check_with(audit, test, snapshot);
	check_with(audit, test, disk);
	audit.check_all_seen();
}

TBK_TEST(extents_unmap_in_the_middle_leaves_both_ends)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 30));
	CHECK_OK(disk.unmap(110, 5));
	CHECK_EQ(check_disk(test, pool, disk), 2);
	CHECK_EQ(disk.usage.mapped, 25);
	CHECK_EQ(disk.usage.own, 25);
	CHECK_EQ(pool.space->freeing_blocks(), 5);
}

TBK_TEST(extents_unmap_of_hole_touches_nothing)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.unmap(0, 1000));
	CHECK(disk.tree.is_empty());
	CHECK_OK(disk.map(100, 30));
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.unmap(0, 100));
	CHECK_OK(disk.unmap(130, 100000));
	CHECK(!disk.tree.is_root_pending());
}

TBK_TEST(extents_unmap_all_empties_the_tree)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 2000; i++)
		REQUIRE_OK(disk.map(5ull * i, 1));
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.unmap(0, 1ull << 39));
	CHECK(disk.tree.is_empty());
	CHECK_EQ(disk.usage.mapped, 0);
	check_disk(test, pool, disk);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(extents_map_across_leaves)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_OK(disk.map(5ull * i + 2, 1));
	CHECK(disk.tree.root_level() > 0);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.map(3, 4900));
	check_disk(test, pool, disk);
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK(check_disk(test, pool, disk) < 600);
}

TBK_TEST(extents_failed_map_gives_blocks_back)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_OK(disk.map(5ull * i + 2, 1));
	CHECK_OK(pool.checkpoint(disk.tree));
	disk.editor.relax();
	const u64 free = pool.space->free_blocks();

	for (u32 n = 1; n <= 2; n++) {
		Want want;

		want.count = 10;
		auto run = pool.space->take(disk.home, want);
		REQUIRE_OK(run);
		pool.cache->shrink(0);
		pool.device->fail_read(n);
		CHECK(disk.editor
			      .map(disk.tree, disk.usage, VirtualBlock(2000), run.value(),
				   pool.now())
			      .error() == Err::io_error);
		disk.editor.relax();
		CHECK_EQ(pool.space->free_blocks() + pool.space->freeing_blocks(), free);
		check_disk(test, pool, disk);
		CHECK_OK(pool.checkpoint(disk.tree));
	}
}

TBK_TEST(extents_goal_continues_the_neighbour)
{
	REQUIRE_ONE_DISK(pool, disk);

	CHECK_OK(disk.map(100, 3));
	const u64 target = disk.targets[100];

	/* What comes next, and the same 64 KiB. */
	CHECK_EQ(disk.find(103).value().goal, target + 3);
	CHECK_EQ(disk.find(111).value().goal, target + 11);
	CHECK_EQ(disk.find(112).value().goal, 0);
	CHECK_OK(disk.map(200, 8));
	CHECK_EQ(disk.find(208).value().goal, disk.targets[200] + 8);
}

TBK_TEST(extents_goal_leads_back_from_what_comes_after)
{
	REQUIRE_ONE_DISK(pool, disk);
	Want want;

	want.offset = 14;
	CHECK_OK(disk.map(110, want));
	CHECK_EQ(disk.find(96).value().goal, disk.targets[110] - 14);
	CHECK_EQ(disk.find(109).value().goal, disk.targets[110] - 1);
	CHECK_EQ(disk.find(95).value().goal, 0);
}

TBK_TEST(extents_goal_keeps_away_from_snapshots)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);

	CHECK_OK(disk.map(100, 3));
	disk.leave_to(snapshot);
	CHECK_EQ(disk.find(103).value().goal, 0);
	CHECK_EQ(disk.find(101).value().goal, 0);
	CHECK_OK(disk.map(101, 1));
	CHECK_EQ(disk.find(102).value().goal, disk.targets[101] + 1);
}

TBK_TEST(extents_find_would_block_when_leaf_is_not_there)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 1000; i++)
		REQUIRE_OK(disk.map(5ull * i, 1));
	CHECK_OK(pool.checkpoint(disk.tree));
	pool.cache->shrink(0);
	CHECK(disk.find(500).error() == Err::would_block);
	auto found = find_extent_locked(disk.tree, *pool.cache, VirtualBlock(500), BlockCount(10));

	REQUIRE_OK(found);
	check_mapping(test, disk, 500, found.value());
	CHECK_OK(disk.find(500));
	CHECK(disk.find(4000).error() == Err::would_block);
}

TBK_TEST(extents_free_last_returns_every_block)
{
	REQUIRE_ONE_DISK(pool, disk);

	for (u32 i = 0; i < 5000; i++)
		REQUIRE_OK(disk.map(6ull * i + i % 3, 1 + i % 2));
	CHECK_OK(pool.checkpoint(disk.tree));
	check_disk(test, pool, disk);
	CHECK_OK(disk.free_all());
	CHECK(disk.tree.is_empty());
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
	CHECK_OK(pool.reopen());
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

TBK_TEST(extents_free_last_leaves_the_snapshot)
{
	REQUIRE_ONE_DISK(pool, disk);
	REQUIRE_DISK(snapshot, pool, 2);

	for (u32 i = 0; i < 3000; i++)
		REQUIRE_OK(disk.map(6ull * i, 1));
	disk.leave_to(snapshot);
	for (u32 i = 0; i < 3000; i += 50)
		REQUIRE_OK(disk.map(6ull * i, 2));
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_OK(disk.free_all());
	CHECK_OK(pool.checkpoint(disk.tree));
	check_disk(test, pool, snapshot);
	/* A volume of which nothing is its own goes without reading a node. */
	disk.clone_of(snapshot, pool.generation - 1);
	pool.cache->shrink(0);
	pool.device->fail_read(1);
	CHECK_OK(disk.free_all());
	CHECK(disk.tree.is_empty());
	pool.device->fail_read(0);
	CHECK_OK(snapshot.free_all());
	CHECK_OK(pool.checkpoint(disk.tree));
	CHECK_EQ(pool.space->free_blocks(), pool.empty);
}

namespace {

/* Random changes of disks, each beside its array. */
struct Mixer {
	struct kunit *test;
	SmallPool &pool;
	Random random;

	void map(Disk &disk, u64 at, u32 count)
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

	void look_up(Disk &disk, u64 at)
	{
		auto found = disk.find(at, 1 + random.below(2000));

		if (found.is_ok())
			check_mapping(test, disk, at, found.value());
		else
			CHECK(found.error() == Err::would_block);
	}

	void change(Disk &disk)
	{
		const u64 at = random.below(space_blocks - 200);

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
		if (random.one_in(2000))
			CHECK_OK(disk.unmap(at, space_blocks));
	}

	/* All of @disks are sealed; some go on changing before the checkpoint is written. */
	void checkpoint(Span<Disk *> disks)
	{
		for (Disk *disk : disks)
			pool.seal(disk->tree);
		pool.flip();
		for (u32 i = 0; i < 20; i++) {
			Disk *disk = disks[random.below(disks.size())];

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
	Disk *disks[] = { &disk };

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
	Disk *live[] = { &volume, &clone_1, &clone_2 };
	Disk *all[] = { &first, &second, &volume, &clone_1, &clone_2 };

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

		for (Disk *disk : all)
			check_with(audit, test, *disk);
		for (Disk *disk : all)
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
