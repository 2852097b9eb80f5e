// SPDX-License-Identifier: GPL-2.0
#include "small_pool.h"

#include <thinback/base/scope.h>

#include "../../drivers/store/sync_io.h"

namespace thinback {

Result<Owned<SmallPool>> SmallPool::create(u64 blocks, u64 more)
{
	Owned<SmallPool> pool = TBK_TRY(make<SmallPool>());

	pool->device = TBK_TRY(RamDevice::create((blocks + more) * format::block_size));
	pool->super.header.pool.set(id);
	pool->super.blocks.set(blocks);
	pool->super.journal_at.set(format::journal_start);
	pool->super.journal_blocks.set(journal_blocks);
	TBK_TRY(pool->reopen());
	pool->empty = pool->space->free_blocks();
	pool->super.free.set(pool->empty);
	return pool;
}

SmallPool::~SmallPool()
{
	while (Node *node = list.take())
		cache->unpin(*node);
}

Status SmallPool::reopen()
{
	cache.reset();
	space.reset();
	space = TBK_TRY(Space::open(*device, super));
	cache = TBK_TRY(NodeCache::create(*device, { id, super.blocks.get() }));
	return {};
}

Status SmallPool::write_out()
{
	Status written;

	while (Node *node = list.take()) {
		const u64 places[] = { node->block(), node->mirror };

		for (u64 at : places) {
			if (at && written.is_ok())
				written = write_blocks(*device, PhysicalBlock(at), node->image(),
						       BlockCount(1), 0);
		}
		node->dirty.store_relaxed(0);
		cache->unpin(*node);
	}
	TBK_TRY(written);
	Owned<WriteBatch> batch = TBK_TRY(make<WriteBatch>(*device));

	TBK_TRY(batch->init());
	space->write(epoch - 1, super, *batch);
	TBK_TRY(batch->wait());
	space->durable(epoch - 1);
	if (space->reclaim_begin())
		space->reclaim_end(false);
	return {};
}

Status SmallPool::checkpoint(Tree &tree)
{
	seal(tree);
	flip();
	return write_out();
}

Result<NodePointer> SmallPool::put_leaf(u64 block, u64 birth)
{
	void *image = tbk_alloc(format::block_size, TBK_MAY_SLEEP);
	const auto free_image = ScopeGuard([=] { tbk_free(image); });

	if (!image)
		return Err::no_memory;
	auto &header = *static_cast<format::BlockHeader *>(image);

	header.magic.set(format::node_magic);
	header.self.set(block);
	header.pool.set(id);
	header.checkpoint.set(epoch);
	header.birth.set(birth);
	header.kind = static_cast<u8>(format::TreeKind::extents);
	header.high.set(format::end_of_keys);
	seal_block(image);
	TBK_TRY(device->write(block * format::block_size, image, format::block_size));
	return NodePointer{ block, birth, header.checksum.get(), 0, 0 };
}

} // namespace thinback
