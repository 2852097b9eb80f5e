// SPDX-License-Identifier: GPL-2.0
/* Opening and closing a pool, and what it tells about itself. */
#include "pool.h"

#include <thinback/base/container.h>
#include <thinback/base/scope.h>

#include "recovery.h"
#include "superblock.h"

namespace thinback {
namespace {

constexpr unsigned int least_pieces = 256;
constexpr unsigned int least_blocks = 16;

/* Where the pool was found, for sentences. */
void explain_open(Why *why, const struct tbk_device_info &info, Err err)
{
	switch (err) {
	case Err::no_pool:
		TBK_EXPLAIN(why, "%s holds no thinback pool", info.name);
		TBK_HINT(why, "to make one: thinback format %s --name POOL", info.name);
		return;
	case Err::newer_format:
		TBK_EXPLAIN(why, "the pool on %s was made by a newer version of thinback",
			    info.name);
		return;
	case Err::newer_features:
		TBK_EXPLAIN(why, "the pool on %s has been changed by a newer version of thinback",
			    info.name);
		TBK_HINT(why, "it can be read: thinback attach --read-only %s", info.name);
		return;
	case Err::too_small:
		TBK_EXPLAIN(why, "%s is smaller than the pool on it", info.name);
		return;
	default:
		TBK_EXPLAIN(why, "the pool on %s cannot be read: %s", info.name, to_text(err));
		TBK_HINT(why, "to see what is wrong: thinback check %s", info.name);
	}
}

} // namespace

Pool::Pool(struct tbk_device &device) : device_(device)
{
	device_.ops->info(&device_, &device_info_);
	tbk_work_init(&reclaim_work_, run_reclaim);
}

Result<Owned<Pool>> Pool::open(struct tbk_device &device, u32 flags, Why *why)
{
	Owned<Pool> pool = TBK_TRY(make<Pool>(device));

	pool->read_only_ = (flags & TBK_POOL_READ_ONLY) || pool->device_info_.read_only;
	const Status opened = pool->open_super();

	if (!opened.is_ok()) {
		explain_open(why, pool->device_info_, opened.error());
		return opened.error();
	}
	/* What was removed before goes on being freed. */
	if (!pool->read_only_)
		pool->cleaner_->kick();
	return pool;
}

Result<Owned<Pool>> Pool::open_damaged(struct tbk_device &device, Mending &mending, u32 flags)
{
	Owned<Pool> pool = TBK_TRY(make<Pool>(device));

	pool->mending_ = &mending;
	pool->read_only_ = (flags & TBK_POOL_READ_ONLY) != 0;
	TBK_TRY(pool->open_super());
	return pool;
}

Status Pool::open_super()
{
	if (mending_ && mending_->super)
		return open_parts(*mending_->super);
	auto *super = static_cast<format::Superblock *>(
		tbk_alloc(sizeof(format::Superblock), TBK_MAY_SLEEP));
	const auto free_super = ScopeGuard([=] { tbk_free(super); });

	if (!super)
		return Err::no_memory;
	TBK_TRY(read_superblock(device_, *super));
	if (super->read_only.get() && !read_only_)
		return Err::newer_features;
	return open_parts(*super);
}

Status Pool::open_parts(const format::Superblock &super)
{
	const u64 next_epoch = super.header.checkpoint.get() + 1;
	const u64 epoch = mending_ && mending_->epoch ? mending_->epoch : next_epoch;

	__builtin_memcpy(name_.text, super.name, sizeof(name_.text));
	__builtin_memcpy(uuid_, super.uuid, sizeof(uuid_));
	queue_ = tbk_queue_create(name_.text);
	pieces_ = tbk_reserve_create("thinback_piece", sizeof(Piece), least_pieces);
	blocks_ = tbk_reserve_create("thinback_block", format::block_size, least_blocks);
	if (!queue_ || !pieces_ || !blocks_)
		return Err::no_memory;
	TBK_TRY(epochs_.init());
	has_epochs_ = true;

	if (mending_)
		space_ = TBK_TRY(Space::open_damaged(device_, super));
	else
		space_ = TBK_TRY(Space::open(device_, super));
	if (mending_)
		TBK_TRY(mending_->space(*mending_, *space_, epoch));
	cache_ = TBK_TRY(NodeCache::create(device_, { super.header.pool.get(), super.blocks.get(),
						      super.blocks.get(), read_only_ }));
	catalog_ = TBK_TRY(make<Catalog>(*cache_, *space_));
	{
		MutexGuard guard(catalog_->lock());
		TBK_TRY(catalog_->load(super));
	}
	checkpointer_ = TBK_TRY(make<Checkpointer>(device_, *catalog_, *space_, *cache_, super));
	checkpointer_->start_at(epoch);
	checkpointer_->written = checkpoint_written;
	checkpointer_->written_context = this;
	TBK_TRY(checkpointer_->init(queue_));
	TBK_TRY(open_journal(super));
	watch_.set_marks(super.low.get(), super.critical.get());
	watch_.start();
	TBK_TRY(sweeper_.set({ super.policy.get(), super.discard_rate.get() }));
	scrubber_ = TBK_TRY(make<Scrubber>(*this));
	cleaner_ = TBK_TRY(make<Cleaner>(*this));
	return cleaner_->init();
}

/*
 * What was replayed is durable, by a checkpoint, before anything else is done. A
 * pool that is only read keeps it in memory.
 */
Status Pool::open_journal(const format::Superblock &super)
{
	Owned<JournalReader> reader = TBK_TRY(JournalReader::create(device_, super));
	Recovery recovery(*this);

	checkpointer_->hold();
	if (mending_)
		recovery.forgive();
	TBK_TRY(recovery.reserve_all(*reader));
	if (mending_)
		TBK_TRY(mending_->volumes(*mending_, *this));
	TBK_TRY(recovery.apply_all(*reader));
	if (mending_) {
		mending_->lost = recovery.lost();
		mending_->replayed = recovery.records();
	}
	/* Past what a write that was cut off may have left behind the gap. */
	journal_ = TBK_TRY(make<Journal>(device_, *checkpointer_, space_->geometry(),
					 mending_ ? reader->past_all()
						  : reader->end() + format::journal_write_max));
	TBK_TRY(journal_->init(queue_));
	if (read_only_)
		return {};
	TBK_TRY(clear_torn_slots(device_, super.header.checkpoint.get() + 1));
	/* What is only made up is not a pool before its first checkpoint. */
	if (!mending_ || !mending_->super)
		checkpointer_->mend_copy();
	checkpointer_->release();
	return recovery.records() ? checkpointer_->sync() : Status();
}

/* Parts go in the reverse order of their making: each uses those before it. */
Pool::~Pool()
{
	stopping_.store_relaxed(1);
	watch_.stop();
	if (scrubber_)
		scrubber_->stop();
	if (cleaner_)
		cleaner_->stop();
	if (journal_)
		journal_->stop();
	if (checkpointer_)
		checkpointer_->stop();
	tbk_work_cancel(&reclaim_work_);
	sweeper_.stop();
	if (queue_)
		tbk_queue_destroy(queue_);
	cleaner_.reset();
	scrubber_.reset();
	journal_.reset();
	checkpointer_.reset();
	catalog_.reset();
	cache_.reset();
	space_.reset();
	if (has_epochs_)
		epochs_.destroy();
	if (pieces_)
		tbk_reserve_destroy(pieces_);
	if (blocks_)
		tbk_reserve_destroy(blocks_);
}

Status Pool::close()
{
	if (read_only_)
		return {};
	scrubber_->stop();
	cleaner_->stop();
	{
		MutexGuard guard(catalog_->lock());
		checkpointer_->mark_clean();
		checkpointer_->begin_structural(*catalog_);
	}
	TBK_TRY(checkpointer_->sync());
	/* What is not overwritten now never is. */
	if (sweeper_.policy().scrubs() && !mending_) {
		reclaim();
		sweeper_.finish();
		TBK_TRY(flush_device(device_));
	}
	return {};
}

void Pool::checkpoint_written(void *context)
{
	auto *self = static_cast<Pool *>(context);

	if (!self->stopping_.load_relaxed())
		tbk_work_queue(self->queue_, &self->reclaim_work_);
}

void Pool::run_reclaim(struct tbk_work *work)
{
	Pool &self = container_of<&Pool::reclaim_work_>(work);

	self.reclaim();
	/* Nodes that a checkpoint replaced are free without that. */
	self.watch_.space_came();
}

void Pool::reclaim()
{
	MutexGuard guard(reclaim_lock_);

	if (!space_->reclaim_begin())
		return;
	epochs_.drain();
	const bool sweep = sweeper_.is_on() && !mending_;

	space_->reclaim_end(sweep);
	if (sweep)
		sweeper_.kick();
	else
		watch_.space_came();
}

void Pool::reclaim_now()
{
	reclaim();
	sweeper_.hurry();
}

/* Twice: the first checkpoint frees what it replaces itself only with the next. */
Status Pool::settle()
{
	if (read_only_)
		return {};
	cleaner_->kick();
	cleaner_->wait_idle();
	for (int i = 0; i < 2; i++) {
		{
			MutexGuard guard(catalog_->lock());
			checkpointer_->begin_structural(*catalog_);
		}
		TBK_TRY(checkpointer_->sync());
		reclaim();
		sweeper_.wait_idle();
	}
	MutexGuard guard(catalog_->lock());

	catalog_->relax();
	return {};
}

void Pool::info(struct tbk_pool_info &info)
{
	const Geometry geometry = space_->geometry();
	u64 data = 0;

	info = {};
	__builtin_memcpy(info.name, name_.text, sizeof(info.name));
	__builtin_memcpy(info.uuid, uuid_, sizeof(info.uuid));
	info.size = geometry.blocks * format::block_size;
	info.freeing = space_->freeing_blocks() * format::block_size;
	info.free = space_->free_blocks() * format::block_size + info.freeing;
	info.generation = checkpointer_->generation();
	info.checkpoint = checkpointer_->durable();
	info.level = static_cast<enum tbk_pool_level>(watch_.level());
	info.low = watch_.marks().low;
	info.critical = watch_.marks().critical;
	info.reserved = space_->reserved() * format::block_size;
	const SweepPolicy policy = sweeper_.policy();

	info.discard = policy.discards();
	info.scrub_freed = policy.scrubs();
	info.discard_rate = policy.bytes_per_second();
	info.cache = cache_->bytes();
	info.cache_limit = cache_->limit_bytes();
	info.dirty_limit = checkpointer_->dirty_limit();
	info.journal_limit = journal_->limit();
	info.remove_rate = cleaner_->pace().rate();
	scrubber_->describe(info);
	if (checkpointer_->has_failed())
		info.flags |= TBK_POOL_FAILED;
	if (cleaner_->is_busy())
		info.flags |= TBK_POOL_CLEANING;

	MutexGuard guard(catalog_->lock());

	for (Volume *v : catalog_->all()) {
		{
			MutexGuard volume_guard(v->lock);
			data += v->usage.own - v->usage.gone;
		}
		if (v->flags & format::catalog_hidden)
			info.hidden++;
		else if (v->is_snapshot())
			info.snapshots += !v->is_gone();
		else if (!v->is_gone()) {
			info.volumes++;
			info.promised += v->size() * format::block_size;
		}
	}
	/* Every block of data is some tree's own. */
	const u64 used = info.size - min(info.free, info.size);

	info.metadata = used > data * format::block_size ? used - data * format::block_size : 0;
}

} // namespace thinback
