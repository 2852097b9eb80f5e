/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/list.h>
#include <thinback/base/lock.h>
#include <thinback/base/owned.h>
#include <thinback/xen_entry.h>

#include "../vbd/features.h"
#include "../vbd/ring.h"
#include "counters.h"
#include "target.h"

namespace thinback {

class Queue;

/* Room for the pages of an indirect request; what lists them comes first. */
struct Annex {
	ListLink link;
	struct tbk_grant grants[1 + xen::max_indirect_segments]{};
	struct tbk_segment segments[xen::max_indirect_segments] {};
};

/* A request from when it is taken off the ring until its response is on it. */
struct Slot : Transfer {
	Queue *queue = nullptr;
	ListLink link;
	u64 id = 0;
	u8 reply_operation = 0;
	xen::Reply reply = xen::Reply::okay;
	bool is_unanswerable = false; /* a flush that failed */
	u32 pages = 0;		      /* taken of those that may be mapped at once */
	Annex *annex = nullptr;	      /* of an indirect request */
	u32 grant_count = 0;	      /* in the annex, or here */
	u32 segment_count = 0;
	struct tbk_grant own_grants[xen::max_segments] {};
	struct tbk_segment own_segments[xen::max_segments] {};

	struct tbk_grant *grants() { return annex ? annex->grants : own_grants; }
	/* Those of its data: an indirect request has one more, the page that lists them. */
	struct tbk_grant *data_grants() { return annex ? annex->grants + 1 : own_grants; }
	struct tbk_segment *segments() { return annex ? annex->segments : own_segments; }
};

/* How a queue is made; borrowed while it is, but for the pointers. */
struct QueuePlan {
	struct tbk_xen *xen = nullptr;
	const Target *target = nullptr;
	Counters::Share *counters = nullptr;
	Atomic<int> *failure = nullptr; /* of all rings of the disk: see Queue::complete() */
	xen::Abi abi = xen::Abi::native;
	u32 index = 0;
	u32 max_pages = 0;	  /* of the guest, mapped at once for its requests */
	bool has_barrier = false; /* may be asked for */
	RingKeys keys;
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
 * for one. Nor more pages than the plan allows, or indirect requests than there
 * are annexes: a request that finds too few goes back on the ring, and the
 * collector calls the thread once there are enough. So does a barrier until
 * what is before it is done, and what is behind it until it is.
 */
class Queue {
public:
	/* Maps the ring. Owned by the disk. */
	static Result<Owned<Queue>> create(const QueuePlan &plan);
	explicit Queue(const QueuePlan &plan);
	~Queue();
	Queue(const Queue &) = delete;
	Queue &operator=(const Queue &) = delete;

	/* Begins to take requests. */
	Status start();
	/* Takes no more requests. Those in flight are still answered; tbk_xen_advance() tells. */
	void stop() TBK_EXCLUDES(lock_);
	bool is_taking() const { return is_taking_; }
	bool is_busy() TBK_EXCLUDES(lock_);

	/* As told in xen_entry.h. */
	u32 run();
	void finish();
	void retry();

	/* A request's transfer has ended. Any context. */
	void complete(Slot &slot, int error) TBK_EXCLUDES(lock_);

	ListLink link; /* of the disk's queues */

private:
	using Slots = List<Slot, &Slot::link>;
	using Annexes = List<Annex, &Annex::link>;
	enum class Verdict : u8 { sound, indirect, refused, not_now };

	/* What has to be there before more requests are taken. */
	struct Need {
		u32 pages = 0;
		bool annex = false;
		bool idle = false; /* nothing in flight */

		bool is_any() const { return pages != 0 || annex || idle; }
	};

	/* What the thread has taken off the ring, sorted. */
	struct Batch {
		Slots spare; /* for requests that were not taken after all */
		Slots sound;
		Slots indirect; /* to be judged by what their pages say */
		Slots refused;
		bool is_first = false; /* nothing was in flight before it */
		u32 room = 0;	       /* pages that may be mapped, at the least */
		u32 pages = 0;	       /* of those sound */

		/* Nothing is in flight or about to be. */
		bool is_alone() const
		{
			return is_first && sound.is_empty() && indirect.is_empty() &&
			       refused.is_empty();
		}
	};

	Status open(const RingKeys &keys);
	Status make_slots();
	bool has_failed() const { return failure_.load_relaxed() != 0; }

	/* queue_take.cc: the thread's */
	u32 run_batch(u32 requests);
	void pick_slots(u32 wanted, Batch &batch) TBK_EXCLUDES(lock_);
	void sort(Batch &batch);
	bool sort_next(Batch &batch);
	Verdict accept(Slot &slot, const Batch &batch);
	Verdict accept_indirect(Slot &slot, u32 grant);
	Verdict put_off(const Need &need);
	void refuse(Slot &slot, Refusal refusal);
	void fill(Slot &slot, const Request &request);
	void fetch(Batch &batch);
	void judge(Slot &slot, Batch &batch);
	void count(const Request &request);
	void map(Batch &batch);
	void map_grants(Slots &some, bool is_data);
	void start_transfers(Batch &batch);
	bool claim(Batch &batch) TBK_EXCLUDES(lock_);
	bool must_wait() TBK_EXCLUDES(lock_);

	/* queue_finish.cc: the collector's */
	struct Round {
		Slots slots;
		u32 answered = 0; /* of the one before */
		bool is_wanted = false;
		bool is_drained = false;
	};

	bool next_round(Round &round) TBK_EXCLUDES(lock_);
	void set_aside(Slots &some) TBK_EXCLUDES(lock_);
	void unmap(Slots &some);
	u32 answer(Slots &some) TBK_EXCLUDES(lock_);
	bool has_what(const Need &need) TBK_REQUIRES(lock_);
	bool is_thread_wanted() TBK_REQUIRES(lock_);

	struct tbk_xen *const xen_;
	const Target &target_;
	Counters::Share &counters_;
	Atomic<int> &failure_;
	const xen::Abi abi_;
	const u32 index_;
	const u32 max_pages_;
	const bool has_barrier_;
	struct tbk_xen_ring *glue_ = nullptr;
	BackRing ring_;
	Slot *slots_ = nullptr;
	Annex *annexes_ = nullptr;
	bool is_taking_ = false;

	/* The thread's. */
	DiskLimits limits_; /* as of the last batch */
	Need need_;
	bool is_behind_barrier_ = false; /* which is in flight: nothing may pass it */
	Request request_;		 /* that is being looked at */
	xen::WireSegment listed_[xen::max_indirect_segments]; /* what its page said */

	IrqLock lock_{ TBK_RANK_RING };
	Slots free_ TBK_GUARDED_BY(lock_);
	Slots finished_ TBK_GUARDED_BY(lock_);	/* for the collector */
	Slots lingering_ TBK_GUARDED_BY(lock_); /* done, but somebody still has their pages */
	bool is_collecting_ TBK_GUARDED_BY(lock_) = false;
	bool is_stopping_ TBK_GUARDED_BY(lock_) = false;
	u32 in_flight_ TBK_GUARDED_BY(lock_) = 0; /* taken and not yet answered */
	Annexes free_annexes_ TBK_GUARDED_BY(lock_);
	u32 pages_left_ TBK_GUARDED_BY(lock_); /* only the thread takes of them */
	Need wanted_ TBK_GUARDED_BY(lock_);    /* call the thread when there is so much */

	struct tbk_grant *to_map_[TBK_GRANT_BATCH]{};	/* the thread's */
	struct tbk_grant *to_unmap_[TBK_GRANT_BATCH]{}; /* the collector's */
};

} // namespace thinback
