// SPDX-License-Identifier: GPL-2.0
/* From the target back to the ring: completions, and the collector. */
#include "grant_batch.h"
#include "queue.h"

namespace thinback {
namespace {

constexpr unsigned int retry_ms = 5;

bool is_held(Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		const struct tbk_grant &grant = slot.grants()[i];

		if (grant.page && tbk_xen_grant_is_held(&grant))
			return true;
	}
	return false;
}

bool is_flushing(Operation operation)
{
	return operation == Operation::flush || operation == Operation::flush_write ||
	       operation == Operation::flush_write_fua;
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
		is_first = !is_collecting_;
		is_collecting_ = true;
	}
	/* If not, the collector may have answered already, and the queue be gone. */
	if (is_first)
		tbk_xen_ring_finish_soon(glue_);
}

void Queue::finish()
{
	Round round;

	while (next_round(round)) {
		if (round.is_wanted)
			tbk_xen_ring_wake(glue_);
		set_aside(round.slots);
		unmap(round.slots);
		round.answered = answer(round.slots);
	}
	if (round.is_wanted)
		tbk_xen_ring_wake(glue_);
	if (round.is_drained || has_failed())
		tbk_xen_advance(xen_);
}

/* False, and no collector any more, when there is nothing left. */
bool Queue::next_round(Round &round)
{
	IrqGuard guard(lock_);

	TBK_ASSERT(round.answered <= in_flight_);
	in_flight_ -= round.answered;
	round.answered = 0;
	round.is_wanted = is_thread_wanted();
	round.slots.splice_all(finished_);
	if (!round.slots.is_empty())
		return true;
	is_collecting_ = false;
	round.is_drained = is_stopping_ && in_flight_ == 0;
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

void Queue::unmap(Slots &some)
{
	GrantBatch grants(to_unmap_, [this](struct tbk_grant **part, u32 count) {
		tbk_xen_grants_unmap(glue_, part, count);
	});

	for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
		for (u32 i = 0; i < slot->grant_count; i++) {
			if (slot->grants()[i].page)
				grants.add(slot->grants()[i]);
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

		if (lingering_.is_empty())
			return;
		finished_.splice_all(lingering_);
		is_first = !is_collecting_;
		is_collecting_ = true;
	}
	if (is_first)
		finish();
}

} // namespace thinback
