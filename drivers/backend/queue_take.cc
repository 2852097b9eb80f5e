// SPDX-License-Identifier: GPL-2.0
/* From the ring to the target: what a ring's thread does. */
#include "queue.h"

namespace thinback {

u32 Queue::run_batch(u32 requests)
{
	const u64 begun = tbk_now_ns();
	Batch batch;
	u32 result = 0;

	limits_ = target_.limits();
	limits_.has_barrier &= has_barrier_;
	pick_slots(min(requests, turn_.left()), batch);
	sort(batch);
	fetch(batch);
	if (!batch.sound.is_empty())
		result = TBK_RUN_PROGRESS;
	else if (!batch.refused.is_empty())
		result = TBK_RUN_PROGRESS | TBK_RUN_REFUSED;

	map(batch);
	start_transfers(batch, begun);
	return result;
}

/* There is a slot for each request, as the ring has so many. */
void Queue::pick_slots(u32 wanted, Batch &batch)
{
	IrqGuard guard(lock_);

	batch.is_first = in_flight_ == 0;
	while (wanted-- && !free_.is_empty()) {
		batch.spare.push_back(*free_.pop_front());
		in_flight_++;
	}
	/* All of them, until it is known how many it takes. */
	batch.room = pages_left_;
	pages_left_ = 0;
}

/*
 * Takes requests for all spare slots, or as many as a turn has room for, or up
 * to the one that had to be put back, or a barrier: which is taken alone, and
 * nothing behind it until it is done.
 */
void Queue::sort(Batch &batch)
{
	need_ = {};
	wait_ms_ = 0;
	if (is_behind_barrier_ && !batch.is_first) {
		need_.idle = true;
		return;
	}
	is_behind_barrier_ = false;
	while (!is_behind_barrier_ && !turn_.is_over() && sort_next(batch))
		;
	need_.idle |= is_behind_barrier_;
}

/* False if there is no other to be taken now. */
bool Queue::sort_next(Batch &batch)
{
	Slot *const slot = batch.spare.pop_front();

	if (!slot)
		return false;
	switch (accept(*slot, batch)) {
	case Verdict::sound:
		batch.sound.push_back(*slot);
		break;
	case Verdict::indirect:
		batch.indirect.push_back(*slot);
		break;
	case Verdict::refused:
		batch.refused.push_back(*slot);
		break;
	case Verdict::not_now:
		ring_.put_back();
		batch.spare.push_front(*slot);
		counters_.out_of_requests.fetch_add_relaxed(1);
		return false;
	case Verdict::early:
		ring_.put_back();
		batch.spare.push_front(*slot);
		return false;
	}
	batch.pages += slot->pages;
	turn_.spend(Turn::of_request + slot->pages);
	return true;
}

void Queue::start_transfers(Batch &batch, u64 begun)
{
	const bool is_collector = claim(batch);
	struct tbk_plug plug = {};

	tbk_plug_begin(&plug);
	while (Slot *slot = batch.sound.pop_front()) {
		slot->is_begun = true;
		slot->begun = begun;
		if (is_traced(TBK_TRACE_TAKEN)) {
			const struct tbk_trace_request request = traced(*slot);

			tbk_trace_taken(glue_, &request);
		}
		if (slot->is_long_discard())
			put_by(*slot);
		else
			target_.submit(*slot);
	}
	tbk_plug_end(&plug);
	discard_on();

	if (is_collector)
		finish();
}

/* Settles what @batch took, and makes the caller the collector unless there is one. */
bool Queue::claim(Batch &batch)
{
	IrqGuard guard(lock_);

	finished_.splice_all(batch.refused);
	while (Slot *slot = batch.spare.pop_front()) {
		free_.push_front(*slot);
		in_flight_--;
	}
	pages_left_ += batch.room - batch.pages;
	return become_collector();
}

/* True if the collector calls the thread when there is what it needs to go on. */
bool Queue::must_wait()
{
	IrqGuard guard(lock_);

	if (has_what(need_))
		return false;
	wanted_ = need_;
	return true;
}

} // namespace thinback
