/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "../harness/check.h"
#include "tree_audit.h"

namespace thinback {

inline constexpr u32 space_blocks = 30000; /* of a volume; what is beyond is never mapped */

/* A volume's tree and, for each block, where it should be: 0 in a hole. */
class SmallDisk {
public:
	SmallDisk(SmallPool &pool, u32 id)
		: tree(format::TreeKind::extents, id),
		  targets(static_cast<u32 *>(tbk_big_alloc(space_blocks * sizeof(u32)))),
		  births(static_cast<u32 *>(tbk_big_alloc(space_blocks * sizeof(u32)))),
		  editor(*pool.cache, *pool.space),
		  pool_(pool)
	{
	}
	~SmallDisk()
	{
		tbk_big_free(targets);
		tbk_big_free(births);
	}
	SmallDisk(const SmallDisk &) = delete;
	SmallDisk &operator=(const SmallDisk &) = delete;

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
	void leave_to(SmallDisk &snapshot)
	{
		pool_.seal(tree);
		snapshot.become(*this);
		snapshot.tree.set_since(tree.since());
		tree.set_since(pool_.generation++);
		usage.own = 0;
	}

	/* Starts as @other, which is a snapshot, taken in generation @since. */
	void clone_of(const SmallDisk &other, u64 since)
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
	void become(const SmallDisk &other)
	{
		tree.set_root(other.tree.root(), false);
		usage = other.usage;
		__builtin_memcpy(targets, other.targets, space_blocks * sizeof(u32));
		__builtin_memcpy(births, other.births, space_blocks * sizeof(u32));
	}

	SmallPool &pool_;
};

/* What @found says of @block agrees with the array, for all blocks that it speaks of. */
void check_mapping(struct kunit *test, const SmallDisk &disk, u64 block, const Mapping &found);

/* The tree agrees with the array; the caller looks at the rest of the pool. */
void check_with(TreeAudit &audit, struct kunit *test, SmallDisk &disk);

/* The same for the only disk of a pool, of which @held blocks are neither free nor in the tree: records. */
u64 check_disk(struct kunit *test, SmallPool &pool, SmallDisk &disk, u64 held = 0);

} // namespace thinback

#define REQUIRE_DISK(name, pool, id)                  \
	auto name##_made = make<SmallDisk>(pool, id); \
	REQUIRE_OK(name##_made);                      \
	SmallDisk &name = *name##_made.value();       \
	REQUIRE(name.is_ready())

#define REQUIRE_ONE_DISK(pool, disk)               \
	REQUIRE_POOL(pool, format::smallest_pool); \
	REQUIRE_DISK(disk, pool, 1)
