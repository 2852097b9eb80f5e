// SPDX-License-Identifier: GPL-2.0
/* From the target back to the ring: completions, and the collector. */
#include "queue.h"

namespace thinback {
namespace {

constexpr unsigned int retry_ms = 5;

bool is_held(Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		const struct tbk_grant &grant = slot.grants()[i];

		/* What stays mapped can be sent again at any time. */
		if (grant.page && !(grant.flags & TBK_GRANT_STAYS) && tbk_xen_grant_is_held(&grant))
			return true;
	}
	return false;
}

bool is_flushing(Operation operation)
{
	return operation == Operation::flush || operation == Operation::flush_write ||
	       operation == Operation::flush_write_fua;
}

enum tbk_stat kind_of(Operation operation)
{
	switch (operation) {
	case Operation::read:
		return TBK_STAT_READ;
	case Operation::write:
		return TBK_STAT_WRITE;
	case Operation::flush:
	case Operation::flush_write:
	case Operation::flush_write_fua:
		return TBK_STAT_FLUSH;
	case Operation::discard:
		break;
	}
	return TBK_STAT_DISCARD;
}

} // namespace

/*
 * A flush that failed cannot be told to a guest: one that hears of an error
 * believes the data safe and never flushes again. It is not answered, nor is
 * any other of the disk's from then on: what it would vouch for may be lost.
 * And nothing more is taken from any ring. Where it was not the flush but its
 * own data that found no space, that can be told.
 */
void Queue::complete(Slot &slot, int error)
{
	if (slot.whole != 0 && has_more(slot, error))
		return;
	const bool is_flush = is_flushing(slot.operation);

	/* A device that knows no flush has nothing that one could lose; but data may not be written. */
	if (is_flush && slot.bytes == 0 && error == -TBK_EOPNOTSUPP)
		error = 0;
	if (is_flush && error != 0 && !(slot.bytes != 0 && error == -TBK_ENOSPC))
		failure_.store_relaxed(error);
	if (error != 0)
		slot.reply = error == -TBK_EOPNOTSUPP ? xen::Reply::unsupported : xen::Reply::error;
	slot.is_unanswerable = is_flush && has_failed();
	bool is_first = false;
	{
		IrqGuard guard(lock_);

		finished_.push_back(slot);
		is_first = become_collector();
	}
	/* If not, the collector may have answered already, and the queue be gone. */
	if (is_first)
		tbk_xen_ring_finish_soon(glue_);
}

/* Called again when it has had its turn and there is more: nobody else collects meanwhile. */
void Queue::finish()
{
	Round round;

	while (next_round(round)) {
		if (round.is_wanted)
			tbk_xen_ring_wake(glue_);
		set_aside(round.slots);
		unmap(round);
		unmap_old(round);
		account(round.slots);
		round.answered = answer(round.slots);
	}
	if (round.is_wanted)
		tbk_xen_ring_wake(glue_);
	/* What it has yet to answer keeps the queue there. */
	if (round.is_to_go_on)
		return tbk_xen_ring_finish_soon(glue_);
	if (round.is_held)
		tbk_xen_ring_retry_after(glue_, retry_ms);
	if (round.is_drained || has_failed())
		tbk_xen_advance(xen_);
}

/* False if there is one, which goes round once more. */
bool Queue::become_collector()
{
	const bool is_free = !is_collecting_;

	is_collecting_ = true;
	return is_free;
}

bool Queue::become_collector_now()
{
	IrqGuard guard(lock_);

	return become_collector();
}

/* False if the turn is over, or, and no collector is any more, when there is nothing left. */
bool Queue::next_round(Round &round)
{
	IrqGuard guard(lock_);

	TBK_ASSERT(round.answered <= in_flight_);
	in_flight_ -= round.answered;
	round.answered = 0;
	round.is_wanted = is_thread_wanted();
	round.is_to_go_on = round.turn.is_over() && !finished_.is_empty();
	if (round.is_to_go_on)
		return false;
	round.slots.splice_all(finished_);
	take_old(round.old);
	if (!round.slots.is_empty() || !round.old.is_empty())
		return true;
	is_collecting_ = false;
	round.is_drained = is_stopping_ && in_flight_ == 0;
	round.is_held = round.is_drained && kept_.count() != 0;
	return false;
}

/* A page that is taken back while a network may send it again would send what comes after it. */
void Queue::set_aside(Slots &some)
{
	bool is_any = false;

	for (Slot *slot = some.first(), *next = nullptr; slot; slot = next) {
		next = some.next(*slot);
		if (!is_held(*slot))
			continue;
		some.remove(*slot);
		is_any = true;
		IrqGuard guard(lock_);
		lingering_.push_back(*slot);
	}
	if (is_any)
		tbk_xen_ring_retry_after(glue_, retry_ms);
}

/* For whoever looks. Of what was refused little is known. */
struct tbk_trace_request Queue::traced(const Slot &slot) const
{
	struct tbk_trace_request request = {};

	request.id = slot.id;
	request.operation = slot.reply_operation;
	request.status = static_cast<int>(slot.reply);
	if (slot.is_begun) {
		request.sector = slot.sector;
		request.bytes = slot.bytes;
	}
	return request;
}

/* From when they were taken until about when the guest is told: one look at the clock for all. */
void Queue::account(Slots &some)
{
	const u64 now = tbk_now_ns();

	for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
		if (slot->is_begun)
			stats_.ended(kind_of(slot->operation), now - slot->begun, slot->bytes,
				     slot->reply == xen::Reply::okay);
		if (is_traced(TBK_TRACE_ANSWERED) && !slot->is_unanswerable) {
			struct tbk_trace_request request = traced(*slot);

			request.ns = slot->is_begun ? now - slot->begun : 0;
			tbk_trace_answered(glue_, &request);
		}
	}
}

/* Returns how many are not in flight any more. */
u32 Queue::answer(Slots &some)
{
	u32 count = 0;

	{
		IrqGuard guard(lock_);

		/* Free before the guest knows: it may send the next at once. */
		while (Slot *slot = some.pop_front()) {
			count++;
			if (!slot->is_unanswerable)
				ring_.respond(slot->id, slot->reply_operation, slot->reply);
			pages_left_ += slot->pages;
			if (slot->annex)
				free_annexes_.push_front(*slot->annex);
			slot->annex = nullptr;
			free_.push_front(*slot);
		}
	}
	if (ring_.publish())
		tbk_xen_ring_notify(glue_);
	return count;
}

bool Queue::has_what(const Need &need)
{
	return pages_left_ >= need.pages && !(need.annex && free_annexes_.is_empty()) &&
	       !(need.idle && in_flight_ != 0);
}

bool Queue::is_thread_wanted()
{
	if (!wanted_.is_any() || !has_what(wanted_))
		return false;
	wanted_ = {};
	return true;
}

void Queue::retry()
{
	bool is_first = false;

	{
		IrqGuard guard(lock_);

		/* An earlier one may have done it, and the queue be about to go: a collector keeps it busy. */
		if (lingering_.is_empty() && kept_.count() == 0)
			return;
		finished_.splice_all(lingering_);
		is_first = become_collector();
	}
	if (is_first)
		finish();
}

} // namespace thinback
