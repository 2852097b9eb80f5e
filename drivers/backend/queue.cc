// SPDX-License-Identifier: GPL-2.0
#include "queue.h"

namespace thinback {
namespace {

/* Then the thread looks whether it is to stop, and lets others run. */
constexpr u32 batches_at_once = 16;

constexpr unsigned int retry_ms = 5;

void transfer_done(Transfer &transfer, int error)
{
	auto &slot = static_cast<Slot &>(transfer);

	slot.queue->complete(slot, error);
}

void add(Atomic<u64> &counter, u64 n)
{
	counter.store_relaxed(counter.load_relaxed() + n);
}

/* Collects grants and hands them on TBK_GRANT_BATCH at a time. */
template <typename Fn> class GrantBatch {
public:
	GrantBatch(struct tbk_grant **room, Fn hand_on) : room_(room), hand_on_(hand_on) {}
	~GrantBatch() { flush(); }
	GrantBatch(const GrantBatch &) = delete;
	GrantBatch &operator=(const GrantBatch &) = delete;

	void add(struct tbk_grant &grant)
	{
		room_[count_++] = &grant;
		if (count_ == TBK_GRANT_BATCH)
			flush();
	}

private:
	void flush()
	{
		if (count_)
			hand_on_(room_, count_);
		count_ = 0;
	}

	struct tbk_grant **room_;
	u32 count_ = 0;
	Fn hand_on_;
};

bool is_mapped(const Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		if (!slot.grants[i].page)
			return false;
	}
	return true;
}

bool is_held(const Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		if (slot.grants[i].page && tbk_xen_grant_is_held(&slot.grants[i]))
			return true;
	}
	return false;
}

} // namespace

Queue::Queue(const QueuePlan &plan)
	: xen_(plan.xen), target_(*plan.target), counters_(*plan.counters)
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
	}
	for (u32 i = 0; slots_ && i < ring_.slots(); i++)
		slots_[i].~Slot();
	tbk_big_free(slots_);
}

Result<Owned<Queue>> Queue::create(const QueuePlan &plan)
{
	auto queue = TBK_TRY(make<Queue>(plan));

	TBK_TRY(queue->open(plan));
	return queue;
}

Status Queue::open(const QueuePlan &plan)
{
	struct tbk_xen_ring_plan ring = {};
	void *shared = nullptr;

	__builtin_memcpy(ring.grants, plan.keys->grants, sizeof(ring.grants));
	ring.pages = plan.keys->pages;
	ring.event_port = plan.keys->event_port;
	ring.index = plan.index;
	ring.max_grants = xen::slot_count(plan.abi, ring.pages) * xen::max_segments;
	ring.ring = reinterpret_cast<struct tbk_ring *>(this);

	int error = tbk_xen_ring_open(xen_, &ring, &glue_, &shared);
	if (error)
		return from_errno(error);
	if (!ring_.attach(shared, ring.pages, plan.abi))
		return Err::bad_argument;

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

	is_taking_ = true;
	error = tbk_xen_ring_start(glue_);
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
}

bool Queue::is_busy()
{
	IrqGuard guard(lock_);

	return in_flight_ != 0;
}

u32 Queue::run()
{
	u32 result = 0;

	for (u32 i = 0; i < batches_at_once; i++) {
		if (failure())
			return result | TBK_RUN_DEAD;

		const Demand demand = ring_.demand();

		if (!demand.is_sane) {
			tbk_log(TBK_LOG_WARNING,
				"a guest has broken its ring's indices; its disk stands still");
			return result | TBK_RUN_DEAD;
		}
		if (demand.requests != 0)
			result |= run_batch(demand.requests);
		else if (!ring_.arm())
			return result;
	}
	return result | TBK_RUN_MORE;
}

u32 Queue::run_batch(u32 requests)
{
	Slots taken;
	Slots batch;
	Slots refused;
	const u32 count = pick_slots(requests, taken);

	limits_ = target_.limits();
	if (count < requests)
		add(counters_.out_of_requests, 1);
	while (Slot *slot = taken.pop_front())
		(accept(*slot) ? batch : refused).push_back(*slot);

	const u32 result = batch.is_empty() ? TBK_RUN_REFUSED : 0;

	map(batch, refused);
	start(batch, refused);
	return result | TBK_RUN_PROGRESS;
}

u32 Queue::pick_slots(u32 wanted, Slots &batch)
{
	IrqGuard guard(lock_);
	u32 count = 0;

	while (count < wanted && !free_.is_empty()) {
		batch.push_back(*free_.pop_front());
		count++;
	}
	in_flight_ += count;
	return count;
}

/* Takes the next request off the ring; false if it is to be answered at once. */
bool Queue::accept(Slot &slot)
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
		return false;
	}
	fill(slot, request);
	count(request);
	return true;
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
		add(counters_.reads, 1);
		add(counters_.sectors_read, request.sectors);
		return;
	case Operation::write:
		add(counters_.writes, 1);
		break;
	case Operation::flush:
	case Operation::flush_write:
		add(counters_.flushes, 1);
		break;
	}
	add(counters_.sectors_written, request.sectors);
}

/* All pages of the batch; what cannot have all of its own moves to @refused. */
void Queue::map(Slots &batch, Slots &refused)
{
	{
		GrantBatch grants(to_map_, [this](struct tbk_grant **some, u32 count) {
			tbk_xen_grants_map(glue_, some, count);
		});

		for (Slot *slot = batch.first(); slot; slot = batch.next(*slot)) {
			for (u32 i = 0; i < slot->grant_count; i++)
				grants.add(slot->grants[i]);
		}
	}

	for (Slot *slot = batch.first(), *next = nullptr; slot; slot = next) {
		next = batch.next(*slot);
		for (u32 i = 0; i < slot->grant_count; i++)
			slot->segments[i].page = slot->grants[i].page;
		if (is_mapped(*slot))
			continue;
		batch.remove(*slot);
		slot->reply = xen::Reply::error;
		refused.push_back(*slot);
	}
}

void Queue::start(Slots &batch, Slots &refused)
{
	const bool is_collector = claim(refused);
	struct tbk_plug plug = {};

	tbk_plug_begin(&plug);
	while (Slot *slot = batch.pop_front())
		target_.submit(*slot);
	tbk_plug_end(&plug);

	if (is_collector)
		finish();
}

/* Hands @refused over, and makes the caller the collector unless there is one. */
bool Queue::claim(Slots &refused)
{
	IrqGuard guard(lock_);
	const bool is_free = !is_collecting_;

	is_collecting_ = true;
	finished_.splice_all(refused);
	return is_free;
}

void Queue::complete(Slot &slot, int error)
{
	const bool is_flush =
		slot.operation == Operation::flush || slot.operation == Operation::flush_write;

	/* A device that knows no flush has nothing that one could lose. */
	if (is_flush && error == -TBK_EOPNOTSUPP)
		error = 0;
	if (error != 0) {
		slot.reply = xen::Reply::error;
		slot.is_unanswerable = is_flush;
		if (is_flush)
			failure_.store_relaxed(error);
	}

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
	Slots round;
	u32 answered = 0;
	bool is_drained = false;

	while (next_round(round, answered, is_drained)) {
		set_aside(round);
		unmap(round);
		answered = answer(round);
	}
	if (is_drained || failure())
		tbk_xen_advance(xen_);
}

/* False, and no collector any more, when there is nothing left. */
bool Queue::next_round(Slots &round, u32 answered, bool &is_drained)
{
	IrqGuard guard(lock_);

	TBK_ASSERT(answered <= in_flight_);
	in_flight_ -= answered;
	round.splice_all(finished_);
	if (!round.is_empty())
		return true;
	is_collecting_ = false;
	is_drained = is_stopping_ && in_flight_ == 0;
	return false;
}

/* A page that is taken back while a network may send it again would send what comes after it. */
void Queue::set_aside(Slots &round)
{
	bool is_any = false;

	for (Slot *slot = round.first(), *next = nullptr; slot; slot = next) {
		next = round.next(*slot);
		if (!is_held(*slot))
			continue;
		round.remove(*slot);
		is_any = true;
		IrqGuard guard(lock_);
		lingering_.push_back(*slot);
	}
	if (is_any)
		tbk_xen_ring_retry_after(glue_, retry_ms);
}

void Queue::unmap(Slots &round)
{
	GrantBatch grants(to_unmap_, [this](struct tbk_grant **some, u32 count) {
		tbk_xen_grants_unmap(glue_, some, count);
	});

	for (Slot *slot = round.first(); slot; slot = round.next(*slot)) {
		for (u32 i = 0; i < slot->grant_count; i++) {
			if (slot->grants[i].page)
				grants.add(slot->grants[i]);
		}
	}
}

/* Returns how many are not in flight any more. */
u32 Queue::answer(Slots &round)
{
	u32 count = 0;

	{
		IrqGuard guard(lock_);

		/* Free before the guest knows: it may send the next at once. */
		while (Slot *slot = round.pop_front()) {
			count++;
			if (!slot->is_unanswerable)
				ring_.respond(slot->id, slot->reply_operation, slot->reply);
			free_.push_front(*slot);
		}
	}
	if (ring_.publish())
		tbk_xen_ring_notify(glue_);
	return count;
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
