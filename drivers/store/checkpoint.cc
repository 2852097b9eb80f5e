// SPDX-License-Identifier: GPL-2.0
#include "checkpointer.h"
#include "superblock.h"
#include "volume_io.h"

namespace thinback {

/* One volume at a time, each under its own lock, for as long as checksums take. */
Status Checkpointer::seal_volumes(VolumeList &volumes, u64 epoch, Catalog &catalog)
{
	const Moment moment = { epoch, generation() };

	while (Volume *volume = volumes.first()) {
		MutexGuard guard(volume->lock);

		TBK_ASSERT(volume->epoch == epoch);
		seal(*volume);
		/* Who changes nothing keeps no nodes ready. */
		if (volume->io)
			volume->io->relax();
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

	/* Before the epoch moves on: records of the next one come into this block or a later one. */
	super_.journal_seq.set(journal_next_.load_acquire());
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
	super_.low.set(static_cast<u16>(marks_.load_relaxed()));
	super_.critical.set(static_cast<u16>(marks_.load_relaxed() >> 16));
	super_.policy.set(policy_.load_relaxed());
	super_.discard_rate.set(discard_rate_.load_relaxed());
	return catalog_.save({ epoch, generation() }, to_write_[epoch & 1], super_);
}

void Checkpointer::write_nodes(u64 epoch)
{
	while (Node *node = to_write_[epoch & 1].take()) {
		batch_->add(PhysicalBlock(node->block()), node->image());
		if (node->mirror)
			batch_->add(PhysicalBlock(node->mirror), node->image());
		in_write_.push_back(*node);
		writing_.fetch_add_relaxed(1);
	}
}

void Checkpointer::nodes_written()
{
	while (Node *node = in_write_.pop_front())
		cache_.written(*node);
	writing_.store_relaxed(0);
}

/* Waited for by the next checkpoint, or by whoever ends the batch. */
void Checkpointer::write_copy()
{
	void *copy = batch_->buffer();

	batch_->add(seal_superblock(super_, Ring::b, copy), copy);
}

/* All metadata at once, then the superblock that makes it the pool's. */
Status Checkpointer::checkpoint()
{
	u64 epoch = 0;
	struct tbk_plug plug {};

	space_.prepare_copies();
	TBK_TRY(seal_all(epoch));
	tbk_plug_begin(&plug);
	write_nodes(epoch);
	space_.write(epoch, super_, *batch_);
	tbk_plug_end(&plug);
	const Status written_out = batch_->wait();

	nodes_written();
	if (!written_out.is_ok())
		return written_out.error();
	super_.header.checkpoint.set(epoch);
	super_.flags.set(clean_.load_relaxed() ? format::superblock_clean : 0);
	cover_waiters();
	TBK_TRY(write_superblock(device_, super_, buffer_));
	journal_tail_.store_release(super_.journal_seq.get());
	durable_.store_release(epoch);
	cache_.set_blocks(super_.blocks.get());
	space_.durable(epoch);
	cache_.trim();

	write_copy();
	return {};
}

} // namespace thinback
