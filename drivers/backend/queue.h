/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/list.h>
#include <thinback/base/lock.h>
#include <thinback/base/owned.h>
#include <thinback/io_stats.h>
#include <thinback/trace.h>
#include <thinback/xen_entry.h>

#include "../vbd/features.h"
#include "../vbd/ring.h"
#include "counters.h"
#include "grant_pool.h"
#include "target.h"
#include "throttle.h"
#include "turn.h"

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
	bool is_begun = false;	      /* sent to the target */
	u64 begun = 0;		      /* when its batch was taken, ns */
	u64 whole = 0;		      /* bytes of a discard that goes in pieces; 0: of none */
	u64 left = 0;		      /* of these, not yet sent */
	u32 pages = 0;		      /* taken of those that may be mapped at once */
	u32 paid = 0;		      /* bytes of the disk's limit that may be too many; 0: none */
	Annex *annex = nullptr;	      /* of an indirect request */
	u32 grant_count = 0;	      /* in the annex, or here */
	u32 segment_count = 0;
	struct tbk_grant own_grants[xen::max_segments] {};
	struct tbk_segment own_segments[xen::max_segments] {};

	bool is_long_discard() const;
	/* One that goes in pieces is what the guest asked for again. */
	void make_whole();
	struct tbk_grant *grants() { return annex ? annex->grants : own_grants; }
	/* Those of its data: an indirect request has one more, the page that lists them. */
	struct tbk_grant *data_grants() { return annex ? annex->grants + 1 : own_grants; }
	struct tbk_segment *segments() { return annex ? annex->segments : own_segments; }
};

/* Some of a request's grants. */
struct GrantRun {
	struct tbk_grant *first = nullptr;
	u32 count = 0;
};

/* How a queue is made; borrowed while it is, but for the pointers. */
struct QueuePlan {
	struct tbk_xen *xen = nullptr;
	const Target *target = nullptr;
	Counters::Share *counters = nullptr;
	Throttle *throttle = nullptr; /* of all rings of the disk */
	IoStats *stats = nullptr;
	Atomic<int> *failure = nullptr; /* of all rings of the disk: see Queue::complete() */
	xen::Abi abi = xen::Abi::native;
	u32 index = 0;
	u32 max_pages = 0;	  /* of the guest, mapped at once for its requests */
	bool has_barrier = false; /* may be asked for */
	u32 kept_pages = 0;	  /* that may stay mapped, besides; 0: none does */
	u32 kept_seconds = 0;	  /* for how long without use; 0: for ever */
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
 *
 * Thread and collector take turns with those of other rings: neither goes on
 * for as long as the guest and the device keep up with it.
 *
 * Pages that stay mapped are kept per queue. The thread looks them up and adds
 * to them, the collector lets them go; both are what the guest pays for with
 * copying, in the hope of fewer calls of Xen.
 */
class Queue {
public:
	/* Maps the ring. Owned by the disk. */
	static Result<Owned<Queue>> create(const QueuePlan &plan);
	/* Of memory, whatever it may have mapped, besides the ring's own pages. */
	static u64 fixed_bytes(const FrontendFeatures &features);
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
	/* Whether these keys are those it was made of. */
	bool is_of(const RingKeys &keys) const { return keys == keys_; }

	/* Have the thread look again at what it waits for. */
	void wake() { tbk_xen_ring_wake(glue_); }

	/* As told in xen_entry.h. */
	u32 run();
	void finish();
	void retry();
	void tidy();
	void squeeze();
	bool relax();

	/* A request's transfer has ended. Any context. */
	void complete(Slot &slot, int error) TBK_EXCLUDES(lock_);

	ListLink link; /* of the disk's queues */

private:
	using Slots = List<Slot, &Slot::link>;
	using Annexes = List<Annex, &Annex::link>;
	enum class Verdict : u8 { sound, indirect, refused, not_now, early };

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
		u32 room = 0;	       /* pages that may be mapped */
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
	Status init_kept();
	bool has_failed() const { return failure_.load_relaxed() != 0; }

	/* queue_take.cc: the thread's */
	u32 run_batch(u32 requests);
	void pick_slots(u32 wanted, Batch &batch) TBK_EXCLUDES(lock_);
	void sort(Batch &batch);
	bool sort_next(Batch &batch);
	void start_transfers(Batch &batch, u64 begun);
	bool claim(Batch &batch) TBK_EXCLUDES(lock_);
	bool must_wait() TBK_EXCLUDES(lock_);

	/* queue_judge.cc: the same */
	Verdict accept(Slot &slot, Batch &batch);
	Verdict accept_indirect(Slot &slot, u32 grant);
	Verdict put_off(const Need &need);
	void refuse(Slot &slot, Refusal refusal);
	void fill(Slot &slot, const Request &request);
	void fetch(Batch &batch);
	void judge(Slot &slot, Batch &batch);
	void count(const Request &request);
	bool is_early();
	void redeem(Slot &slot);

	/* queue_discard.cc: the thread's, but for what says otherwise */
	void put_by(Slot &slot) TBK_EXCLUDES(lock_);
	void discard_on() TBK_EXCLUDES(lock_);
	Slot *next_piece() TBK_EXCLUDES(lock_);
	bool has_more(Slot &slot, int &error) TBK_EXCLUDES(lock_); /* any context */
	void drop_discards() TBK_EXCLUDES(lock_);		   /* stop()'s */

	/* queue_finish.cc: the collector's */
	struct Round {
		Slots slots;
		GrantPool::Entries old; /* to be unmapped for good */
		Turn turn;
		u32 answered = 0; /* of the one before */
		bool is_wanted = false;
		bool is_drained = false;
		bool is_held = false;	  /* what stayed mapped is to go, and cannot */
		bool is_to_go_on = false; /* in a turn to come */
	};

	bool become_collector() TBK_REQUIRES(lock_);
	bool become_collector_now() TBK_EXCLUDES(lock_);
	bool next_round(Round &round) TBK_EXCLUDES(lock_);
	void set_aside(Slots &some) TBK_EXCLUDES(lock_);
	void account(Slots &some);
	struct tbk_trace_request traced(const Slot &slot) const;
	u32 answer(Slots &some) TBK_EXCLUDES(lock_);
	bool has_what(const Need &need) TBK_REQUIRES(lock_);
	bool is_thread_wanted() TBK_REQUIRES(lock_);

	/* queue_map.cc: the thread's */
	void map(Batch &batch);
	void map_grants(Slots &some, bool is_data);
	void map_part(struct tbk_grant **grants, u32 count);
	void find_kept(Slots &some, bool is_data) TBK_EXCLUDES(lock_);
	void keep_mapped(Slots &some, bool is_data) TBK_EXCLUDES(lock_);
	void keep(struct tbk_grant &grant) TBK_REQUIRES(lock_);
	void tidy_later() TBK_EXCLUDES(lock_);

	/* and the collector's */
	void unmap(Round &round) TBK_EXCLUDES(lock_);
	void give_kept(Slots &some) TBK_EXCLUDES(lock_);
	void take_old(GrantPool::Entries &old) TBK_REQUIRES(lock_);
	u64 oldest_kept() TBK_REQUIRES(lock_);
	bool become_tidier() TBK_REQUIRES(lock_);
	void unmap_old(Round &round) TBK_EXCLUDES(lock_);
	void unmap_part(struct tbk_grant **grants, u32 count);

	/* queue_squeeze.cc */
	u32 spare_pages() TBK_EXCLUDES(lock_);
	bool take_back(u32 count) TBK_EXCLUDES(lock_);

	struct tbk_xen *const xen_;
	const Target &target_;
	Counters::Share &counters_;
	Throttle &throttle_;
	IoStats &stats_;
	Atomic<int> &failure_;
	const u64 kept_ns_;
	const xen::Abi abi_;
	const bool has_barrier_;
	const u32 index_;
	const RingKeys keys_;
	const u32 max_pages_;
	const u32 kept_pages_;
	struct tbk_xen_ring *glue_ = nullptr;
	BackRing ring_;
	Slot *slots_ = nullptr;
	Annex *annexes_ = nullptr;
	bool is_taking_ = false;

	/* The thread's. */
	Turn turn_;
	DiskLimits limits_; /* as of the last batch */
	Need need_;
	Ticket ticket_;
	u32 wait_ms_ = 0;		 /* until it is good; 0: it is, or none is wanted */
	bool is_behind_barrier_ = false; /* which is in flight: nothing may pass it */
	Request request_;		 /* that is being looked at */
	xen::WireSegment listed_[xen::max_indirect_segments]; /* what its page said */

	IrqLock lock_{ TBK_RANK_RING };
	Slots free_ TBK_GUARDED_BY(lock_);
	Slots finished_ TBK_GUARDED_BY(lock_);	/* for the collector */
	Slots lingering_ TBK_GUARDED_BY(lock_); /* done, but somebody still has their pages */
	bool is_collecting_ TBK_GUARDED_BY(lock_) = false;
	bool is_stopping_ TBK_GUARDED_BY(lock_) = false;
	bool is_tidying_ TBK_GUARDED_BY(lock_) = false; /* the collector is to look for old pages */
	bool is_squeezed_ TBK_GUARDED_BY(lock_) = false; /* all are old, and none is kept */
	bool is_timed_ TBK_GUARDED_BY(lock_) = false;	 /* tidy() is to come */
	Slots discards_ TBK_GUARDED_BY(lock_); /* long ones, of which nothing is on its way */
	bool is_discarding_ TBK_GUARDED_BY(lock_) = false; /* a piece of another one is */
	u32 in_flight_ TBK_GUARDED_BY(lock_) = 0;	   /* taken and not yet answered */
	GrantPool kept_ TBK_GUARDED_BY(lock_);
	Annexes free_annexes_ TBK_GUARDED_BY(lock_);
	u32 pages_left_ TBK_GUARDED_BY(lock_);	   /* only the thread and squeeze() take of them */
	u32 given_ TBK_GUARDED_BY(lock_) = 0;	   /* of them to dom0, until relax() */
	u32 kept_given_ TBK_GUARDED_BY(lock_) = 0; /* of those that stay mapped */
	Need wanted_ TBK_GUARDED_BY(lock_);	   /* call the thread when there is so much */

	struct tbk_grant *to_map_[TBK_GRANT_BATCH]{};	/* the thread's */
	struct tbk_grant *to_unmap_[TBK_GRANT_BATCH]{}; /* the collector's */
};

} // namespace thinback
