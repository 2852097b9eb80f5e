/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/format/journal.h>

#include "checkpointer.h"

namespace thinback {

/*
 * Makes flushes durable by one write: what changed in the maps of the volumes
 * that are flushed goes to the journal's next blocks, after a flush of the device
 * and past its cache. Flushes that come meanwhile share the next write. What the
 * journal cannot take waits for a checkpoint.
 *
 * Used once the first checkpoint since the pool was opened is durable: until
 * then the superblock says that the journal starts elsewhere.
 */
class Journal {
public:
	/* @start: number of the next block; none of it or after it was ever written. */
	Journal(struct tbk_device &device, Checkpointer &checkpointer, const Geometry &geometry,
		u64 start);
	~Journal() { tbk_big_free(blocks_); }
	Journal(const Journal &) = delete;
	Journal &operator=(const Journal &) = delete;

	Status init(struct tbk_queue *queue);
	/* Nobody flushes any more. Sleeps. */
	void stop() { tbk_work_cancel(&work_); }

	/*
	 * Calls waiter.done when all that completed before on its volume is durable.
	 * The waiter names the log, and what of it is meant. Context: any.
	 */
	void flush(FlushWaiter &waiter) TBK_EXCLUDES(lock_);

	/* Bytes of the ring that may be taken before a checkpoint is asked for; 0: half of it. */
	void set_limit(u64 bytes) { limit_.store_relaxed(bytes / format::block_size); }
	u64 limit() const { return limit_blocks() * format::block_size; }

	u64 writes() const { return writes_.load_relaxed(); }
	u64 records() const { return records_.load_relaxed(); }

private:
	using Waiters = List<FlushWaiter, &FlushWaiter::link>;
	enum class Outcome { all, no_room, checkpoint };

	static void run(struct tbk_work *work);
	void write_for(Waiters &waiting);
	u32 room() const;
	u64 limit_blocks() const;
	Outcome gather(const FlushWaiter &waiter, u64 durable);
	void append(const MapChange &change, u32 volume);
	bool is_block_full() const;
	Status write_out();
	void settle(Waiters &answered, Status written);

	struct tbk_device &device_;
	Checkpointer &checkpointer_;
	const Geometry geometry_;
	const u64 start_;
	struct tbk_queue *queue_ = nullptr;
	struct tbk_work work_ {};

	/* The work's own: the write that is being put together. */
	format::JournalBlock *blocks_ = nullptr; /* journal_write_max of them */
	u32 used_ = 0;
	u32 room_ = 0;
	u64 next_;

	Atomic<u64> limit_; /* in blocks */
	Atomic<u64> writes_;
	Atomic<u64> records_;

	IrqLock lock_{ TBK_RANK_DIRTY };
	Waiters waiters_ TBK_GUARDED_BY(lock_);
};

} // namespace thinback
