/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/format/superblock.h>

#include "../../drivers/store/extents.h"
#include "../harness/shared/ram_device.h"
#include "../harness/shared/random.h"

namespace thinback {

/*
 * The store's lower half on a device in memory, without catalog and
 * checkpointer; what the latter does is here in two halves, so that tests can
 * change things between.
 */
class SmallPool {
public:
	static constexpr u64 id = 0x1122334455667788;
	static constexpr u64 journal_blocks = 64;

	/* @more: blocks of the device that are not the pool's */
	static Result<Owned<SmallPool>> create(u64 blocks = format::smallest_pool, u64 more = 0);
	~SmallPool();
	SmallPool(const SmallPool &) = delete;
	SmallPool &operator=(const SmallPool &) = delete;

	Moment now() const { return { epoch, generation }; }

	/* seal() all trees that changed; flip(); from then on changes are of the next epoch. */
	void seal(Tree &tree)
	{
		space->prepare_copies();
		seal_tree(tree, *cache, epoch, *space, list);
		if (space->free_for_data() == 0)
			last_short = epoch;
	}
	void flip() { epoch++; }
	/* The epoch before becomes durable; what it freed can be had again. */
	Status write_out();
	Status checkpoint(Tree &tree);

	/* Forgets all that is in memory and reads back what write_out() wrote. */
	Status reopen();

	/* A sealed leaf without records at @block of the device. */
	Result<NodePointer> put_leaf(u64 block, u64 birth);

	Owned<RamDevice> device;
	Owned<Space> space;
	Owned<NodeCache> cache;
	WriteList list;
	format::Superblock super{};
	u64 epoch = 1;
	u64 generation = 1;
	u64 empty = 0; /* blocks free at the start */
	/* The last epoch that was sealed when nothing was left for copies of nodes. */
	u64 last_short = 0;

private:
	SmallPool() = default;
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);
};

} // namespace thinback

#define REQUIRE_POOL(name, blocks)                    \
	auto name##_made = SmallPool::create(blocks); \
	REQUIRE_OK(name##_made);                      \
	SmallPool &name = *name##_made.value()
