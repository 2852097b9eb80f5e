// SPDX-License-Identifier: GPL-2.0
/* From the ring to the target: what a ring's thread does. */
#include "grant_batch.h"
#include "queue.h"

namespace thinback {
namespace {

bool is_mapped(Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		if (!slot.grants()[i].page)
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
	limits_.has_barrier &= has_barrier_;
	pick_slots(requests, batch);
	sort(batch);
	fetch(batch);
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

	batch.is_first = in_flight_ == 0;
	while (wanted-- && !free_.is_empty()) {
		batch.spare.push_back(*free_.pop_front());
		in_flight_++;
	}
	batch.room = pages_left_;
}

/*
 * Takes requests for all spare slots, or up to the one that had to be put back,
 * or a barrier: which is taken alone, and nothing behind it until it is done.
 */
void Queue::sort(Batch &batch)
{
	need_ = {};
	if (is_behind_barrier_ && !batch.is_first) {
		need_.idle = true;
		return;
	}
	is_behind_barrier_ = false;
	while (!is_behind_barrier_ && sort_next(batch))
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
	}
	batch.pages += slot->pages;
	return true;
}

/* Takes the next request off the ring. */
Queue::Verdict Queue::accept(Slot &slot, const Batch &batch)
{
	RawRequest raw;

	ring_.take(raw);
	slot.id = raw.id;
	slot.reply_operation = reply_operation(raw);
	slot.reply = xen::Reply::okay;
	slot.is_unanswerable = false;
	slot.grant_count = 0;
	slot.pages = 0;

	const Refusal refusal = check_request(raw, limits_, request_);

	if (refusal != Refusal::none) {
		refuse(slot, refusal);
		return Verdict::refused;
	}

	const u32 pages = request_.segment_count + (request_.is_indirect ? 1u : 0u);

	if (request_.is_barrier && !batch.is_alone())
		return put_off({ .idle = true });
	if (pages > batch.room - batch.pages)
		return put_off({ .pages = pages, .annex = request_.is_indirect });
	is_behind_barrier_ = request_.is_barrier;
	slot.pages = pages;
	if (request_.is_indirect)
		return accept_indirect(slot, raw.indirect_grants[0]);
	fill(slot, request_);
	count(request_);
	return Verdict::sound;
}

/* Notes what can be told without the page that lists the segments: @grant. */
Queue::Verdict Queue::accept_indirect(Slot &slot, u32 grant)
{
	{
		IrqGuard guard(lock_);
		slot.annex = free_annexes_.pop_front();
	}
	if (!slot.annex) {
		const u32 pages = slot.pages;

		slot.pages = 0;
		return put_off({ .pages = pages, .annex = true });
	}
	slot.operation = request_.operation;
	slot.sector = request_.sector;
	slot.segment_count = request_.segment_count;
	slot.annex->grants[0] = { nullptr, grant, 0, TBK_GRANT_READ_ONLY };
	slot.grant_count = 1;
	return Verdict::indirect;
}

Queue::Verdict Queue::put_off(const Need &need)
{
	need_ = need;
	return Verdict::not_now;
}

void Queue::refuse(Slot &slot, Refusal refusal)
{
	slot.reply = to_reply(refusal);
	tbk_log(TBK_LOG_DEBUG, "request refused: %s", to_text(refusal));
}

/* Maps the pages of indirect requests, and sorts these by what is written there. */
void Queue::fetch(Batch &batch)
{
	if (batch.indirect.is_empty())
		return;
	map_grants(batch.indirect, false);
	while (Slot *slot = batch.indirect.pop_front())
		judge(*slot, batch);
}

/* Copies the list once, to where the guest cannot change it; nothing looks at the page again. */
void Queue::judge(Slot &slot, Batch &batch)
{
	struct tbk_segment list = { slot.annex->grants[0].page, 0, xen::page_size };
	const struct tbk_payload page = { &list, TBK_PAYLOAD_SEGMENTS, 1, xen::page_size };

	batch.refused.push_back(slot);
	slot.reply = xen::Reply::error;
	if (!list.page)
		return;
	tbk_payload_get(&page, 0, listed_, slot.segment_count * sizeof(listed_[0]));

	request_.operation = slot.operation;
	request_.sector = slot.sector;
	request_.segment_count = static_cast<u16>(slot.segment_count);
	const Refusal refusal = check_segments(listed_, limits_, request_);

	if (refusal != Refusal::none) {
		refuse(slot, refusal);
		return;
	}
	slot.reply = xen::Reply::okay;
	fill(slot, request_);
	count(request_);
	batch.refused.remove(slot);
	batch.sound.push_back(slot);
}

void Queue::fill(Slot &slot, const Request &request)
{
	/* OVMF grants what it writes for reading only. */
	const u32 flags = request.operation == Operation::read ? 0 : TBK_GRANT_READ_ONLY;

	slot.operation = request.operation;
	slot.sector = request.sector;
	slot.payload = {};
	slot.bytes = request.sectors * xen::sector_size;
	slot.segment_count = request.segment_count;
	slot.grant_count += request.segment_count;
	for (u32 i = 0; i < request.segment_count; i++) {
		const Segment &segment = request.segments[i];

		slot.data_grants()[i] = { nullptr, segment.grant, 0, flags };
		slot.segments()[i] = { nullptr, segment.offset, segment.length };
	}
	if (request.segment_count == 0)
		return;
	slot.payload.kind = TBK_PAYLOAD_SEGMENTS;
	slot.payload.data = slot.segments();
	slot.payload.count = request.segment_count;
	slot.payload.bytes = slot.bytes;
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
	case Operation::flush_write_fua:
		counters_.flushes.fetch_add_relaxed(1);
		break;
	case Operation::discard:
		counters_.discards.fetch_add_relaxed(1);
		return;
	}
	counters_.sectors_written.fetch_add_relaxed(request.sectors);
}

/* All pages of the batch; what cannot have all of its own is refused. */
void Queue::map(Batch &batch)
{
	Slots &sound = batch.sound;

	map_grants(sound, true);
	for (Slot *slot = sound.first(), *next = nullptr; slot; slot = next) {
		next = sound.next(*slot);
		for (u32 i = 0; i < slot->segment_count; i++)
			slot->segments()[i].page = slot->data_grants()[i].page;
		if (is_mapped(*slot))
			continue;
		sound.remove(*slot);
		slot->reply = xen::Reply::error;
		batch.refused.push_back(*slot);
	}
}

/* Of each of @some, the pages of its data, or the one that lists them. */
void Queue::map_grants(Slots &some, bool is_data)
{
	GrantBatch grants(to_map_, [this](struct tbk_grant **part, u32 count) {
		tbk_xen_grants_map(glue_, part, count);
	});

	for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
		if (!is_data)
			grants.add(slot->annex->grants[0]);
		for (u32 i = 0; is_data && i < slot->segment_count; i++)
			grants.add(slot->data_grants()[i]);
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
