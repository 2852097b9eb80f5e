// SPDX-License-Identifier: GPL-2.0
/* From the ring to the target: what a ring's thread does. */
#include "grant_batch.h"
#include "queue.h"

namespace thinback {
namespace {

bool is_mapped(const Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		if (!slot.grants[i].page)
			return false;
	}
	return true;
}

} // namespace

u32 Queue::run_batch(u32 requests)
{
	Batch batch;

	u32 result = 0;

	limits_ = target_.limits();
	pick_slots(requests, batch);
	sort(batch);
	if (!batch.sound.is_empty())
		result = TBK_RUN_PROGRESS;
	else if (!batch.refused.is_empty())
		result = TBK_RUN_PROGRESS | TBK_RUN_REFUSED;

	map(batch);
	start_transfers(batch);
	return result;
}

/* There is a slot for each request, as the ring has so many. */
void Queue::pick_slots(u32 wanted, Batch &batch)
{
	IrqGuard guard(lock_);

	while (wanted-- && !free_.is_empty()) {
		batch.spare.push_back(*free_.pop_front());
		in_flight_++;
	}
	batch.room = pages_left_;
}

/* Takes requests for all spare slots, or up to the one that had to be put back. */
void Queue::sort(Batch &batch)
{
	needs_ = 0;
	while (Slot *slot = batch.spare.pop_front()) {
		switch (accept(*slot, batch.room - batch.pages)) {
		case Verdict::sound:
			batch.pages += slot->grant_count;
			batch.sound.push_back(*slot);
			break;
		case Verdict::refused:
			batch.refused.push_back(*slot);
			break;
		case Verdict::too_many_pages:
			ring_.put_back();
			batch.spare.push_front(*slot);
			counters_.out_of_requests.fetch_add_relaxed(1);
			return;
		}
	}
}

/* Takes the next request off the ring. */
Queue::Verdict Queue::accept(Slot &slot, u32 pages_left)
{
	RawRequest raw;
	Request request;

	ring_.take(raw);
	slot.id = raw.id;
	slot.reply_operation = reply_operation(raw);
	slot.is_unanswerable = false;
	slot.grant_count = 0;

	const Refusal refusal = check_request(raw, limits_, request);

	slot.reply = to_reply(refusal);
	if (refusal != Refusal::none) {
		tbk_log(TBK_LOG_DEBUG, "request refused: %s", to_text(refusal));
		return Verdict::refused;
	}
	if (request.segment_count > pages_left) {
		needs_ = request.segment_count;
		return Verdict::too_many_pages;
	}
	fill(slot, request);
	count(request);
	return Verdict::sound;
}

void Queue::fill(Slot &slot, const Request &request)
{
	/* OVMF grants what it writes for reading only. */
	const u32 flags = request.operation == Operation::read ? 0 : TBK_GRANT_READ_ONLY;

	slot.operation = request.operation;
	slot.sector = request.sector;
	slot.payload = {};
	slot.grant_count = request.segment_count;
	for (u32 i = 0; i < request.segment_count; i++) {
		const Segment &segment = request.segments[i];

		slot.grants[i] = { nullptr, segment.grant, 0, flags };
		slot.segments[i] = { nullptr, segment.offset, segment.length };
	}
	if (request.segment_count == 0)
		return;
	slot.payload.kind = TBK_PAYLOAD_SEGMENTS;
	slot.payload.data = slot.segments;
	slot.payload.count = request.segment_count;
	slot.payload.bytes = static_cast<u64>(request.sectors) * xen::sector_size;
}

void Queue::count(const Request &request)
{
	switch (request.operation) {
	case Operation::read:
		counters_.reads.fetch_add_relaxed(1);
		counters_.sectors_read.fetch_add_relaxed(request.sectors);
		return;
	case Operation::write:
		counters_.writes.fetch_add_relaxed(1);
		break;
	case Operation::flush:
	case Operation::flush_write:
		counters_.flushes.fetch_add_relaxed(1);
		break;
	}
	counters_.sectors_written.fetch_add_relaxed(request.sectors);
}

/* All pages of the batch; what cannot have all of its own is refused. */
void Queue::map(Batch &batch)
{
	Slots &sound = batch.sound;

	{
		GrantBatch grants(to_map_, [this](struct tbk_grant **some, u32 count) {
			tbk_xen_grants_map(glue_, some, count);
		});

		for (Slot *slot = sound.first(); slot; slot = sound.next(*slot)) {
			for (u32 i = 0; i < slot->grant_count; i++)
				grants.add(slot->grants[i]);
		}
	}

	for (Slot *slot = sound.first(), *next = nullptr; slot; slot = next) {
		next = sound.next(*slot);
		for (u32 i = 0; i < slot->grant_count; i++)
			slot->segments[i].page = slot->grants[i].page;
		if (is_mapped(*slot))
			continue;
		sound.remove(*slot);
		slot->reply = xen::Reply::error;
		batch.refused.push_back(*slot);
	}
}

void Queue::start_transfers(Batch &batch)
{
	const bool is_collector = claim(batch);
	struct tbk_plug plug = {};

	tbk_plug_begin(&plug);
	while (Slot *slot = batch.sound.pop_front())
		target_.submit(*slot);
	tbk_plug_end(&plug);

	if (is_collector)
		finish();
}

/* Settles what @batch took, and makes the caller the collector unless there is one. */
bool Queue::claim(Batch &batch)
{
	IrqGuard guard(lock_);
	const bool is_free = !is_collecting_;

	is_collecting_ = true;
	finished_.splice_all(batch.refused);
	while (Slot *slot = batch.spare.pop_front()) {
		free_.push_front(*slot);
		in_flight_--;
	}
	pages_left_ -= batch.pages;
	return is_free;
}

/* True if the collector calls the thread when there are pages for what was put back. */
bool Queue::must_wait()
{
	IrqGuard guard(lock_);

	if (pages_left_ >= needs_)
		return false;
	pages_wanted_ = needs_;
	return true;
}

} // namespace thinback
