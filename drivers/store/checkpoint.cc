// SPDX-License-Identifier: GPL-2.0
#include "checkpointer.h"
#include "superblock.h"

namespace thinback {

/* One volume at a time, each under its own lock, for as long as checksums take. */
Status Checkpointer::seal_volumes(VolumeList &volumes, u64 epoch, Catalog &catalog)
{
	const Moment moment = { epoch, generation() };

	while (Volume *volume = volumes.first()) {
		MutexGuard guard(volume->lock);

		TBK_ASSERT(volume->epoch == epoch);
		seal(*volume);
		TBK_TRY(catalog.put(*volume, moment));
		volumes.remove(*volume);
		volume->epoch = 0;
	}
	return {};
}

/* Moves the epoch on; afterwards nothing changes in @epoch any more. */
Status Checkpointer::seal_all(u64 &epoch)
{
	MutexGuard guard(catalog_.lock());
	VolumeList volumes;

	{
		IrqGuard dirty_guard(lock_);
		epoch = epoch_++;
		volumes.splice_all(dirty_);
		structural_ = false;
	}
	Status sealed = seal_volumes(volumes, epoch, catalog_);

	while (volumes.pop_front())
		;
	if (!sealed.is_ok())
		return sealed;
	super_.generation.set(generation());
	return catalog_.save({ epoch, generation() }, space_.geometry().pool,
			     to_write_[epoch & 1], super_);
}

Status Checkpointer::write_nodes(u64 epoch)
{
	Node *written_now[WriteBatch::depth];

	for (;;) {
		u32 count = 0;
		struct tbk_plug plug;

		tbk_plug_begin(&plug);
		while (count < WriteBatch::depth) {
			Node *node = to_write_[epoch & 1].take();

			if (!node)
				break;
			batch_->add(PhysicalBlock(node->block()), node->image());
			written_now[count++] = node;
		}
		tbk_plug_end(&plug);
		if (count == 0)
			return {};
		const Status done = batch_->wait();

		for (u32 i = 0; i < count; i++) {
			written_now[i]->dirty.store_relaxed(0);
			cache_.unpin(*written_now[i]);
		}
		TBK_TRY(Status(done));
	}
}

Status Checkpointer::checkpoint()
{
	u64 epoch = 0;

	TBK_TRY(seal_all(epoch));
	TBK_TRY(write_nodes(epoch));
	TBK_TRY(space_.write(epoch, super_));
	super_.header.checkpoint.set(epoch);
	super_.flags.set(clean_ ? format::superblock_clean : 0);
	TBK_TRY(write_superblock(device_, super_, buffer_));
	durable_.store_release(epoch);
	space_.durable(epoch);
	cache_.trim();
	return {};
}

} // namespace thinback
