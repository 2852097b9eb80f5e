/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "catalog.h"
#include "record_log.h"

namespace thinback {

/*
 * Somebody who waits for what was completed to be durable: what changed in a map
 * up to an epoch, and data written in place. Lives until @done, which runs in
 * process context.
 */
struct FlushWaiter {
	ListLink link;
	u64 target = 0;		  /* epoch */
	RecordLog *log = nullptr; /* for the journal: where the volume's changes are told */
	Volume *volume = nullptr; /* ... and which one that is */
	bool is_covered = false;  /* the checkpointer's: was here before the device's flush */
	void (*done)(FlushWaiter &waiter, int error) = nullptr;
};

/*
 * Writes what changed, so that the pool on disk goes from one sound state to
 * the next by one write of a superblock.
 *
 * Changes belong to an epoch, the number of the checkpoint that will hold
 * them. A checkpoint begins by moving the epoch on and sealing, one volume
 * after the other under its own lock, what changed; then it writes, and holds
 * no lock while it does. Meanwhile the next epoch's changes go to copies.
 */
class Checkpointer {
public:
	Checkpointer(struct tbk_device &device, Catalog &catalog, Space &space, NodeCache &cache,
		     const format::Superblock &super);
	~Checkpointer();
	Checkpointer(const Checkpointer &) = delete;
	Checkpointer &operator=(const Checkpointer &) = delete;

	Status init(struct tbk_queue *queue);
	/*
	 * Writes the superblock's copy in ring B again, of which a crash may have
	 * left a torn one. Once, before the first checkpoint.
	 */
	void mend_copy() { write_copy(); }
	/* The first checkpoint has this number. Before any change. */
	void start_at(u64 epoch) TBK_EXCLUDES(lock_);
	/* Nobody changes or flushes any more. Sleeps. */
	void stop();

	/* A change of @volume is about to be made: whose checkpoint it is part of. */
	Moment begin_change(Volume &volume) TBK_REQUIRES(volume.lock) TBK_EXCLUDES(lock_);
	/* Something of the catalog alone changes: names, removals. */
	Moment begin_structural(Catalog &catalog) TBK_REQUIRES(catalog.lock()) TBK_EXCLUDES(lock_);

	/* The volume is about to be freed; its tree is empty. */
	void forget(Volume &volume) TBK_REQUIRES(volume.lock) TBK_EXCLUDES(lock_);

	/* Seals a tree within its epoch: a snapshot is about to share it. */
	void seal(Volume &volume) TBK_REQUIRES(volume.lock);

	/* Calls waiter.done when its target is durable, or at once. Context: any. */
	void flush(FlushWaiter &waiter) TBK_EXCLUDES(lock_);
	/* All changes begun so far are durable when it returns. Sleeps. */
	Status sync() TBK_EXCLUDES(lock_);

	/* For whoever changes much and holds nothing: until not too much is dirty. Sleeps. */
	Status wait_for_room() TBK_EXCLUDES(lock_);
	/* Bytes of nodes not yet being written at which a checkpoint begins; 0: a quarter of the cache's limit. */
	void set_dirty_limit(u64 bytes) { dirty_limit_.store_relaxed(bytes); }
	u64 dirty_limit() const;

	u64 durable() const { return durable_.load_acquire(); }
	bool has_failed() const { return failed_.load_relaxed() != 0; }
	/* No more changes: @what could not be written. Context: process. */
	void fail(const char *what, Err err);
	/* A checkpoint of what has changed, soon. Context: any. */
	void request() TBK_EXCLUDES(lock_);
	/* None is taken until release(): while the pool is opened, or for good. */
	void hold() { held_.store_relaxed(1); }
	void release() { held_.store_relaxed(0); }

	/* Number of the journal's next block: what comes after belongs to later epochs, or also to them. */
	void set_journal_next(u64 next) { journal_next_.store_release(next); }
	/* The first block of the journal that the last checkpoint does not hold all of. */
	u64 journal_tail() const { return journal_tail_.load_acquire(); }

	u64 generation() const { return generation_.load_relaxed(); }
	/* After a snapshot; the catalog's lock is held. */
	void next_generation() { generation_.store_relaxed(generation() + 1); }

	/* Called after each checkpoint that was written, and when the pool has failed; set once, before init(). */
	void (*written)(void *context) = nullptr;
	void *written_context = nullptr;
	/* For the superblock: see Watch. */
	void set_marks(u16 low, u16 critical) { marks_.store_relaxed(low | u32{ critical } << 16); }
	/* For the superblock: see Sweeper. */
	void set_policy(u32 what, u32 rate)
	{
		policy_.store_relaxed(what);
		discard_rate_.store_relaxed(rate);
	}
	/* The next checkpoint closes the pool. */
	void mark_clean() { clean_.store_relaxed(1); }

	const format::Superblock &super() const { return super_; }

private:
	static constexpr u32 idle_ms =
		1000; /* how long a change may stay volatile without a flush */
	using VolumeList = List<Volume, &Volume::dirty>;

	using Waiters = List<FlushWaiter, &FlushWaiter::link>;

	static void run(struct tbk_work *work);
	static void tick(struct tbk_work *work);
	void run_all();
	bool is_wanted() TBK_EXCLUDES(lock_);
	void take_ready(bool covered_only, int error, Waiters &ready) TBK_EXCLUDES(lock_);
	void answer(Waiters &ready, int error);
	void finish(int error) TBK_EXCLUDES(lock_);
	void cover_waiters() TBK_EXCLUDES(lock_);
	void start_timer(bool needed);
	bool is_dirty() const;
	void relieve_cache() TBK_EXCLUDES(lock_);

	Status checkpoint();
	Status seal_all(u64 &epoch);
	Status seal_volumes(VolumeList &volumes, u64 epoch, Catalog &catalog)
		TBK_REQUIRES(catalog.lock());
	void write_nodes(u64 epoch);
	void nodes_written();
	void write_copy();

	struct tbk_device &device_;
	Catalog &catalog_;
	Space &space_;
	NodeCache &cache_;
	struct tbk_queue *queue_ = nullptr;
	format::Superblock super_; /* the last written; only the running checkpoint touches it */
	Owned<WriteBatch> batch_;
	void *buffer_ = nullptr; /* a block */
	Atomic<u8> clean_; /* one that is under way may say so as well: it is a note, no more */

	Atomic<u64> generation_;
	Atomic<u64> durable_;
	Atomic<u32> failed_;
	Atomic<u32> held_;
	Atomic<u32> marks_; /* low, and critical in the upper half */
	Atomic<u32> policy_;
	Atomic<u32> discard_rate_;
	Atomic<u64> journal_next_;
	Atomic<u64> journal_tail_;
	Atomic<u64> dirty_limit_;
	Atomic<u32> writing_;		       /* nodes of the running checkpoint */
	WriteList to_write_[2];		       /* by parity of the epoch */
	List<Node, &Node::to_write> in_write_; /* of the running checkpoint */

	IrqLock lock_{ TBK_RANK_DIRTY };
	u64 epoch_ TBK_GUARDED_BY(lock_);
	VolumeList dirty_ TBK_GUARDED_BY(lock_);
	bool structural_ TBK_GUARDED_BY(lock_) = false;
	bool ticked_ TBK_GUARDED_BY(lock_) = false;
	bool timer_set_ TBK_GUARDED_BY(lock_) = false;
	Waiters waiters_ TBK_GUARDED_BY(lock_);

	struct tbk_work work_ {};
	struct tbk_work timer_ {};
};

} // namespace thinback
