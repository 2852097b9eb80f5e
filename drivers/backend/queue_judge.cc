// SPDX-License-Identifier: GPL-2.0
/* Which requests are taken, which wait on the ring, and which are refused: its thread's. */
#include "queue.h"

namespace thinback {
namespace {

/* What a limit counts of @request; as much as it can be, before what its pages say is known. */
u32 data_bytes(const Request &request)
{
	if (request.segment_count == 0)
		return 0;
	return request.is_indirect ? request.segment_count * xen::page_size
				   : static_cast<u32>(request.sectors * xen::sector_size);
}

} // namespace

/* Takes the next request off the ring. */
Queue::Verdict Queue::accept(Slot &slot, Batch &batch)
{
	RawRequest raw;

	ring_.take(raw);
	slot.id = raw.id;
	slot.reply_operation = reply_operation(raw);
	slot.reply = xen::Reply::okay;
	slot.is_unanswerable = false;
	slot.is_begun = false;
	slot.grant_count = 0;
	slot.pages = 0;
	slot.paid = 0;
	slot.whole = 0;

	const Refusal refusal = check_request(raw, limits_, request_);

	if (refusal != Refusal::none) {
		refuse(slot, refusal);
		return Verdict::refused;
	}
	if (throttle_.is_on() && is_early())
		return Verdict::early;

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
	redeem(slot);
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
	redeem(slot);
	return Verdict::indirect;
}

Queue::Verdict Queue::put_off(const Need &need)
{
	need_ = need;
	return Verdict::not_now;
}

/* True if a limit has the request that is being looked at wait for its time. */
bool Queue::is_early()
{
	const u64 now = tbk_now_ns();
	const bool is_new = !ticket_.is_held();

	if (throttle_.admit(ticket_, data_bytes(request_), now))
		return false;
	wait_ms_ = ticket_.wait_ms(now);
	if (is_new)
		counters_.limited.fetch_add_relaxed(1);
	return true;
}

/* The request that is being looked at is @slot's now: if it was let in with a ticket, that is used up. */
void Queue::redeem(Slot &slot)
{
	const u32 bytes = data_bytes(request_);

	if (!ticket_.is_held())
		return;

	throttle_.redeem(ticket_, bytes, tbk_now_ns());
	slot.paid = request_.is_indirect ? bytes : 0;
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
	if (slot.paid > slot.bytes)
		throttle_.give_back(slot.paid - static_cast<u32>(slot.bytes));
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

} // namespace thinback
