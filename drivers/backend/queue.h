/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/list.h>
#include <thinback/base/lock.h>
#include <thinback/base/owned.h>
#include <thinback/xen_entry.h>

#include "../vbd/features.h"
#include "../vbd/ring.h"
#include "target.h"

namespace thinback {

class Queue;

/* Counted by the one thread of a queue, read by anybody. */
struct Counters {
	Atomic<u64> out_of_requests;
	Atomic<u64> reads;
	Atomic<u64> writes;
	Atomic<u64> flushes;
	Atomic<u64> discards;
	Atomic<u64> sectors_read;
	Atomic<u64> sectors_written;
};

/* A request from when it is taken off the ring until its response is on it. */
struct Slot : Transfer {
	Queue *queue = nullptr;
	ListLink link;
	u64 id = 0;
	u8 reply_operation = 0;
	xen::Reply reply = xen::Reply::okay;
	bool is_unanswerable = false; /* a flush that failed */
	u32 grant_count = 0;
	struct tbk_grant grants[xen::max_segments] {};
	struct tbk_segment segments[xen::max_segments] {};
};

/* How a queue is made; borrowed while it is. */
struct QueuePlan {
	struct tbk_xen *xen;
	const Target *target;
	Counters *counters;
	xen::Abi abi;
	u32 index;
	const RingKeys *keys;
};

/*
 * One ring of a disk at work. Its thread takes requests, maps their pages and
 * starts them, a batch at a time. Completions may come in any context and only
 * put the request on a list; a collector, one at a time, takes the list, unmaps
 * all pages, writes all responses and sends one event. The collector is the
 * thread itself for what completes while it submits, else a softirq right
 * behind the interrupt: so nothing waits for a process to be scheduled.
 *
 * Never more requests than there are slots on the ring: nothing is allocated
 * for one.
 */
class Queue {
public:
	/* Maps the ring and starts the thread. Owned by the disk. */
	static Result<Owned<Queue>> create(const QueuePlan &plan);
	explicit Queue(const QueuePlan &plan);
	~Queue();
	Queue(const Queue &) = delete;
	Queue &operator=(const Queue &) = delete;

	/* Takes no more requests. Those in flight are still answered; tbk_xen_advance() tells. */
	void stop() TBK_EXCLUDES(lock_);
	bool is_taking() const { return is_taking_; }
	bool is_busy() TBK_EXCLUDES(lock_);

	/*
	 * Negative errno if a flush failed, which cannot be said to a guest: one
	 * that hears of an error believes the data safe and never flushes again.
	 * Such a flush is not answered, and nothing more is taken from the ring.
	 */
	int failure() const { return failure_.load_relaxed(); }

	/* As told in xen_entry.h. */
	u32 run();
	void finish();
	void retry();

	/* A request's transfer has ended. Any context. */
	void complete(Slot &slot, int error) TBK_EXCLUDES(lock_);

private:
	using Slots = List<Slot, &Slot::link>;

	Status open(const QueuePlan &plan);
	u32 run_batch(u32 requests);
	u32 pick_slots(u32 wanted, Slots &batch) TBK_EXCLUDES(lock_);
	bool accept(Slot &slot);
	void fill(Slot &slot, const Request &request);
	void count(const Request &request);
	void map(Slots &batch, Slots &refused);
	void start(Slots &batch, Slots &refused);
	bool claim(Slots &refused) TBK_EXCLUDES(lock_);
	bool next_round(Slots &round, u32 answered, bool &is_drained) TBK_EXCLUDES(lock_);
	void set_aside(Slots &round) TBK_EXCLUDES(lock_);
	void unmap(Slots &round);
	u32 answer(Slots &round) TBK_EXCLUDES(lock_);

	struct tbk_xen *const xen_;
	const Target &target_;
	Counters &counters_;
	struct tbk_xen_ring *glue_ = nullptr;
	BackRing ring_;
	Slot *slots_ = nullptr;
	DiskLimits limits_; /* the thread's; as of the last batch */
	bool is_taking_ = false;
	Atomic<int> failure_;

	IrqLock lock_{ TBK_RANK_RING };
	Slots free_ TBK_GUARDED_BY(lock_);
	Slots finished_ TBK_GUARDED_BY(lock_);	/* for the collector */
	Slots lingering_ TBK_GUARDED_BY(lock_); /* done, but somebody still has their pages */
	bool is_collecting_ TBK_GUARDED_BY(lock_) = false;
	bool is_stopping_ TBK_GUARDED_BY(lock_) = false;
	u32 in_flight_ TBK_GUARDED_BY(lock_) = 0; /* taken and not yet answered */

	struct tbk_grant *to_map_[TBK_GRANT_BATCH]{};	/* the thread's */
	struct tbk_grant *to_unmap_[TBK_GRANT_BATCH]{}; /* the collector's */
};

} // namespace thinback
