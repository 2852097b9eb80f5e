// SPDX-License-Identifier: GPL-2.0
/* A ring's coming and going, and its thread's loop. */
#include "queue.h"

namespace thinback {
namespace {

/* Of the largest requests that fill a device's queue; 10 KiB each. */
constexpr u32 max_annexes = 32;

void transfer_done(Transfer &transfer, int error)
{
	auto &slot = static_cast<Slot &>(transfer);

	slot.queue->complete(slot, error);
}

} // namespace

Queue::Queue(const QueuePlan &plan)
	: xen_(plan.xen),
	  target_(*plan.target),
	  counters_(*plan.counters),
	  throttle_(*plan.throttle),
	  stats_(*plan.stats),
	  failure_(*plan.failure),
	  kept_ns_(plan.kept_seconds * 1000000000ull),
	  abi_(plan.abi),
	  has_barrier_(plan.has_barrier),
	  index_(plan.index),
	  keys_(plan.keys),
	  max_pages_(plan.max_pages),
	  kept_pages_(plan.kept_pages),
	  pages_left_(plan.max_pages)
{
}

Queue::~Queue()
{
	TBK_ASSERT(!is_taking_ && !is_busy());
	if (glue_)
		tbk_xen_ring_close(glue_);
	{
		IrqGuard guard(lock_);
		while (free_.pop_front())
			;
		while (free_annexes_.pop_front())
			;
	}
	for (u32 i = 0; slots_ && i < ring_.slots(); i++)
		slots_[i].~Slot();
	for (u32 i = 0; annexes_ && i < max_annexes; i++)
		annexes_[i].~Annex();
	tbk_big_free(slots_);
	tbk_big_free(annexes_);
}

u64 Queue::fixed_bytes(const FrontendFeatures &features)
{
	const u64 slots = xen::slot_count(features.abi, features.ring_pages);

	return sizeof(Queue) + slots * sizeof(Slot) + max_annexes * sizeof(Annex);
}

Result<Owned<Queue>> Queue::create(const QueuePlan &plan)
{
	auto queue = TBK_TRY(make<Queue>(plan));

	TBK_TRY(queue->open(plan.keys));
	return queue;
}

Status Queue::open(const RingKeys &keys)
{
	struct tbk_xen_ring_plan ring = {};
	void *shared = nullptr;

	__builtin_memcpy(ring.grants, keys.grants, sizeof(ring.grants));
	ring.pages = keys.pages;
	ring.event_port = keys.event_port;
	ring.index = index_;
	ring.max_grants = max_pages_ + kept_pages_;
	ring.ring = reinterpret_cast<struct tbk_ring *>(this);

	const int error = tbk_xen_ring_open(xen_, &ring, &glue_, &shared);
	if (error)
		return from_errno(error);
	if (!ring_.attach(shared, ring.pages, abi_))
		return Err::bad_argument;
	return make_slots();
}

Status Queue::make_slots()
{
	slots_ = static_cast<Slot *>(tbk_big_alloc(sizeof(Slot) * ring_.slots()));
	if (!slots_)
		return Err::no_memory;
	for (u32 i = 0; i < ring_.slots(); i++) {
		Slot &slot = *new (At{ &slots_[i] }) Slot;

		slot.queue = this;
		slot.done = transfer_done;
		IrqGuard guard(lock_);
		free_.push_back(slot);
	}

	TBK_TRY(init_kept());
	annexes_ = static_cast<Annex *>(tbk_big_alloc(sizeof(Annex) * max_annexes));
	if (!annexes_)
		return Err::no_memory;
	for (u32 i = 0; i < max_annexes; i++) {
		IrqGuard guard(lock_);
		free_annexes_.push_back(*new (At{ &annexes_[i] }) Annex);
	}
	return {};
}

/* Nobody else knows the queue yet, and it takes memory: no lock. */
Status Queue::init_kept() TBK_NO_TSA
{
	return kept_.init(kept_pages_);
}

Status Queue::start()
{
	is_taking_ = true;
	const int error = tbk_xen_ring_start(glue_);

	if (error)
		is_taking_ = false;
	return error ? Status(from_errno(error)) : Status();
}

void Queue::stop()
{
	{
		IrqGuard guard(lock_);
		is_stopping_ = true;
	}
	tbk_xen_ring_stop(glue_);
	is_taking_ = false;
	drop_discards();
	/* What stayed mapped goes. */
	if (become_collector_now())
		finish();
}

bool Queue::is_busy()
{
	IrqGuard guard(lock_);

	return in_flight_ != 0 || is_collecting_ || kept_.count() != 0;
}

u32 Queue::run()
{
	u32 result = 0;

	discard_on();
	for (turn_ = {}; !turn_.is_over(); turn_.spend(Turn::of_batch)) {
		if (has_failed())
			return result | TBK_RUN_DEAD;

		const Demand demand = ring_.demand();

		if (!demand.is_sane) {
			tbk_log(TBK_LOG_WARNING,
				"a guest has broken its ring's indices; its disk stands still");
			return result | TBK_RUN_DEAD;
		}
		if (demand.requests == 0) {
			if (!ring_.arm())
				return result;
			continue;
		}
		result |= run_batch(demand.requests);
		if (wait_ms_ != 0) {
			tbk_xen_ring_wake_after(glue_, wait_ms_);
			return result | TBK_RUN_WAITING;
		}
		if (need_.is_any() && must_wait())
			return result | TBK_RUN_WAITING;
	}
	return result | TBK_RUN_MORE;
}

} // namespace thinback
