// SPDX-License-Identifier: GPL-2.0
/* Who waits for what; the checkpoint itself is in checkpoint.cc. */
#include "checkpointer.h"

#include <thinback/base/container.h>

namespace thinback {

Checkpointer::Checkpointer(struct tbk_device &device, Catalog &catalog, Space &space,
			   NodeCache &cache, const format::Superblock &super)
	: device_(device),
	  catalog_(catalog),
	  space_(space),
	  cache_(cache),
	  super_(super),
	  generation_(super.generation.get()),
	  durable_(super.header.checkpoint.get()),
	  marks_(super.low.get() | u32{ super.critical.get() } << 16),
	  policy_(super.policy.get()),
	  discard_rate_(super.discard_rate.get()),
	  journal_next_(super.journal_seq.get()),
	  journal_tail_(super.journal_seq.get()),
	  epoch_(super.header.checkpoint.get() + 1)
{
	tbk_work_init(&work_, run);
	tbk_work_init(&timer_, tick);
}

Status Checkpointer::init(struct tbk_queue *queue)
{
	batch_ = TBK_TRY(make<WriteBatch>(device_));
	TBK_TRY(batch_->init());
	buffer_ = tbk_alloc(format::block_size, TBK_MAY_SLEEP);
	queue_ = queue;
	return buffer_ ? Status() : Err::no_memory;
}

/* What could not be written is dropped: the pool is as its last checkpoint says. */
Checkpointer::~Checkpointer()
{
	batch_.reset();
	for (WriteList &list : to_write_) {
		while (Node *node = list.take())
			cache_.unpin(*node);
	}
	IrqGuard guard(lock_);

	while (dirty_.pop_front())
		;
	tbk_free(buffer_);
}

void Checkpointer::start_at(u64 epoch)
{
	IrqGuard guard(lock_);

	epoch_ = epoch;
}

void Checkpointer::stop()
{
	tbk_work_cancel(&timer_);
	tbk_work_cancel(&work_);
}

void Checkpointer::start_timer(bool needed)
{
	if (needed)
		tbk_work_queue_after(queue_, &timer_, idle_ms);
}

u64 Checkpointer::dirty_limit() const
{
	const u64 most = cache_.limit_bytes() / 2;
	const u64 wanted = dirty_limit_.load_relaxed();

	return wanted == 0 ? most / 2 : wanted < most ? wanted : most;
}

/* Those that are being written are as good as gone. */
bool Checkpointer::is_dirty() const
{
	const u64 dirty = cache_.dirty();
	const u64 writing = writing_.load_relaxed();

	return dirty > writing && (dirty - writing) * NodeCache::node_bytes >= dirty_limit();
}

/* Nodes that wait to be written cannot leave the cache: many are a reason to write. */
void Checkpointer::relieve_cache()
{
	if (is_dirty())
		request();
}

Status Checkpointer::wait_for_room()
{
	return cache_.is_stuffed() ? sync() : Status();
}

void Checkpointer::request()
{
	{
		IrqGuard guard(lock_);
		ticked_ = true;
	}
	tbk_work_queue(queue_, &work_);
}

void Checkpointer::fail(const char *what, Err err)
{
	u32 expected = 0;

	if (failed_.compare_exchange(expected, 1))
		tbk_log(TBK_LOG_ERROR,
			"%s: %s after checkpoint %llu: %s: no more changes are taken",
			reinterpret_cast<const char *>(super_.name), what, durable(), to_text(err));
	tbk_work_queue(queue_, &work_);
}

Moment Checkpointer::begin_change(Volume &volume)
{
	bool needed = false;

	if (volume.epoch == 0) {
		IrqGuard guard(lock_);

		volume.epoch = epoch_;
		dirty_.push_back(volume);
		needed = !timer_set_;
		timer_set_ = true;
	}
	start_timer(needed);
	relieve_cache();
	volume.changed.store_relaxed(volume.epoch);
	return { volume.epoch, generation() };
}

Moment Checkpointer::begin_structural(Catalog &)
{
	bool needed = false;
	u64 epoch = 0;

	{
		IrqGuard guard(lock_);
		structural_ = true;
		epoch = epoch_;
		needed = !timer_set_;
		timer_set_ = true;
	}
	start_timer(needed);
	return { epoch, generation() };
}

void Checkpointer::forget(Volume &volume)
{
	IrqGuard guard(lock_);

	TBK_ASSERT(volume.tree.is_empty());
	if (volume.dirty.is_linked())
		dirty_.remove(volume);
	volume.epoch = 0;
}

void Checkpointer::seal(Volume &volume)
{
	if (volume.epoch == 0)
		return;
	seal_tree(volume.tree, cache_, volume.epoch, space_, to_write_[volume.epoch & 1]);
}

void Checkpointer::tick(struct tbk_work *work)
{
	Checkpointer &self = container_of<&Checkpointer::timer_>(work);

	{
		IrqGuard guard(self.lock_);
		self.timer_set_ = false;
		self.ticked_ = true;
	}
	tbk_work_queue(self.queue_, &self.work_);
}

/* As in Journal::flush(), the work is queued under the lock. */
void Checkpointer::flush(FlushWaiter &waiter)
{
	IrqGuard guard(lock_);

	waiter.is_covered = false;
	waiters_.push_back(waiter);
	tbk_work_queue(queue_, &work_);
}

namespace {

struct SyncWaiter {
	FlushWaiter waiter;
	IoWait wait;
};

void sync_done(FlushWaiter &waiter, int error)
{
	container_of<&SyncWaiter::waiter>(&waiter).wait.end(error);
}

} // namespace

Status Checkpointer::sync()
{
	SyncWaiter sync;

	{
		IrqGuard guard(lock_);
		const bool idle = dirty_.is_empty() && !structural_;

		sync.waiter.target = idle ? epoch_ - 1 : epoch_;
	}
	sync.waiter.done = sync_done;
	sync.wait.begin();
	flush(sync.waiter);
	return sync.wait.wait();
}

/* Whether anything waits that a checkpoint would help. */
bool Checkpointer::is_wanted()
{
	IrqGuard guard(lock_);
	const bool ticked = ticked_;

	ticked_ = false;
	if (has_failed() || held_.load_relaxed())
		return false;
	for (FlushWaiter *w = waiters_.first(); w; w = waiters_.next(*w)) {
		if (w->target > durable())
			return true;
	}
	return ticked && (structural_ || !dirty_.is_empty());
}

/* The superblock's write is about to flush the device for those who wait by now. */
void Checkpointer::cover_waiters()
{
	IrqGuard guard(lock_);

	for (FlushWaiter *w = waiters_.first(); w; w = waiters_.next(*w))
		w->is_covered = true;
}

/* Those whose epoch is durable; all, once the pool has failed. */
void Checkpointer::take_ready(bool covered_only, int error, Waiters &ready)
{
	IrqGuard guard(lock_);
	FlushWaiter *next = nullptr;

	for (FlushWaiter *w = waiters_.first(); w; w = next) {
		next = waiters_.next(*w);
		if (!error && (w->target > durable() || (covered_only && !w->is_covered)))
			continue;
		waiters_.remove(*w);
		ready.push_back(*w);
	}
}

void Checkpointer::answer(Waiters &ready, int error)
{
	while (FlushWaiter *w = ready.pop_front())
		w->done(*w, error);
}

/*
 * Those who came after the superblock's flush of the device had begun, though
 * their epoch is durable, need one more for what they wrote in place.
 */
void Checkpointer::finish(int error)
{
	Waiters ready;

	take_ready(true, error, ready);
	answer(ready, error);
	take_ready(false, error, ready);
	if (!ready.is_empty())
		answer(ready, error ? error : to_errno(flush_device(device_).error()));
}

void Checkpointer::run_all()
{
	while (is_wanted()) {
		const Status done = checkpoint();

		if (!done.is_ok()) {
			fail("checkpoint", done.error());
			break;
		}
		finish(0);
		if (written)
			written(written_context);
	}
	finish(has_failed() ? -TBK_EIO : 0);
	if (has_failed() && written)
		written(written_context);
}

void Checkpointer::run(struct tbk_work *work)
{
	container_of<&Checkpointer::work_>(work).run_all();
}

} // namespace thinback
