// SPDX-License-Identifier: GPL-2.0
/*
 * A request's way: [flush first] -> gate and epoch -> pieces -> [flush] -> done.
 * The gate and the epoch are left before anything waits for a checkpoint.
 */
#include "volume_io.h"

#include <thinback/base/container.h>

#include "pool.h"

namespace thinback {
namespace {

bool is_write(const struct tbk_request &request)
{
	return request.op == TBK_OP_WRITE || request.op == TBK_OP_DISCARD ||
	       request.op == TBK_OP_WRITE_ZEROES;
}

enum tbk_stat kind_of(const struct tbk_request &request)
{
	switch (request.op) {
	case TBK_OP_READ:
		return TBK_STAT_READ;
	case TBK_OP_WRITE:
		return TBK_STAT_WRITE;
	case TBK_OP_FLUSH:
		return TBK_STAT_FLUSH;
	default:
		return TBK_STAT_DISCARD;
	}
}

} // namespace

struct tbk_request &RequestState::request()
{
	static_assert(sizeof(RequestState) <= sizeof(tbk_request::core));
	static_assert(alignof(RequestState) <= alignof(unsigned long));

	return *reinterpret_cast<struct tbk_request *>(reinterpret_cast<u8 *>(this) -
						       __builtin_offsetof(tbk_request, core));
}

VolumeIo::VolumeIo(Pool &pool, Volume &volume)
	: pool_(pool), volume_(volume), log_(volume.changed.load_relaxed())
{
	tbk_work_init(&map_work_, run_map);
	tbk_work_init(&expire_work_, run_expire);
	tbk_work_init(&retry_work_, run_retry);
	for (SlowWork &slow : slow_works_) {
		tbk_work_init(&slow.work, run_slow);
		slow.volume = this;
	}
}

VolumeIo::~VolumeIo()
{
	if (!has_gate_)
		return;
	tbk_gate_close(&gate_);
	tbk_gate_destroy(&gate_);
}

Status VolumeIo::init()
{
	if (tbk_gate_init(&gate_))
		return Err::no_memory;
	has_gate_ = true;
	return {};
}

void VolumeIo::stop()
{
	tbk_work_cancel(&map_work_);
	tbk_work_cancel(&expire_work_);
	tbk_work_cancel(&retry_work_);
	for (SlowWork &slow : slow_works_)
		tbk_work_cancel(&slow.work);
}

Err VolumeIo::check(const struct tbk_request &request) const
{
	const u64 sectors = volume_.size() * sectors_per_block;

	if (request.op == TBK_OP_FLUSH)
		return Err::ok;
	if (is_write(request) && (volume_.is_snapshot() || pool_.is_read_only()))
		return Err::read_only;
	if (request.bytes == 0 || request.bytes % 512 || request.sector >= sectors ||
	    request.bytes / 512 > sectors - request.sector)
		return Err::bad_argument;
	return Err::ok;
}

void VolumeIo::submit(struct tbk_request &request, const Atomic<u8> *leaving)
{
	const Err err = check(request);

	if (err != Err::ok) {
		request.error = to_errno(err);
		request.done(&request);
		return;
	}
	auto &state = *new (At{ request.core }) RequestState;

	state.volume = this;
	state.begun = tbk_now_ns();
	state.leaving = leaving;
	state.pending.store_relaxed(1);
	if (request.op == TBK_OP_FLUSH || (request.flags & TBK_IO_PREFLUSH)) {
		flush(state);
		return;
	}
	start(state, request.flags & TBK_REQUEST_QUICK ? Effort::quick : Effort::sleep);
}

void VolumeIo::start(RequestState &state, Effort effort)
{
	if (!enter(state))
		return;
	/* The volume may have been cut off meanwhile; while we are inside it is not. */
	if (const Err err = check(state.request()); err != Err::ok)
		fail(state, err);
	drive(state, effort);
}

/* False: a snapshot is being taken; thaw() will go on with it. */
bool VolumeIo::enter(RequestState &state)
{
	if (is_write(state.request())) {
		while (!tbk_gate_enter(&gate_)) {
			IrqGuard guard(lock_);

			if (!frozen_)
				continue;
			parked_.push_back(state);
			return false;
		}
	}
	state.side = static_cast<u8>(pool_.epochs().enter());
	state.inside = true;
	return true;
}

void VolumeIo::leave(RequestState &state)
{
	if (!state.inside)
		return;
	state.inside = false;
	pool_.epochs().leave(state.side);
	if (is_write(state.request()))
		tbk_gate_leave(&gate_);
}

void VolumeIo::freeze()
{
	{
		IrqGuard guard(lock_);
		frozen_ = true;
	}
	tbk_gate_close(&gate_);
}

void VolumeIo::thaw()
{
	List<RequestState, &RequestState::link> parked;

	tbk_gate_open(&gate_);
	{
		IrqGuard guard(lock_);
		frozen_ = false;
		parked.splice_all(parked_);
	}
	while (RequestState *state = parked.pop_front())
		queue_slow(*state);
}

void VolumeIo::fail(RequestState &state, Err err)
{
	int expected = 0;

	state.error.compare_exchange(expected, to_errno(err));
}

/* One of those who keep the request pending is through. The last one ends the transfer. */
void VolumeIo::put(RequestState &state)
{
	if (state.pending.fetch_sub(1) == 1)
		transfer_ended(state);
}

/* Context: any. */
void VolumeIo::transfer_ended(RequestState &state)
{
	leave(state);
	if (state.error.load_relaxed()) {
		finish(state);
		return;
	}
	if (state.stall != Stall::none) {
		if (state.stall == Stall::full)
			wait_for_space(state);
		else
			flush_all(state);
		return;
	}
	/*
	 * The data went past the device's cache. The mappings, of what was written
	 * in place those by an earlier write, may not be durable.
	 */
	if ((state.request().flags & TBK_IO_FUA) && !is_map_durable()) {
		state.flushed = false;
		flush_map(state);
		return;
	}
	finish(state);
}

void VolumeIo::finish(RequestState &state)
{
	struct tbk_request &request = state.request();

	request.error = state.error.load_relaxed();
	volume_.stats.ended(kind_of(request), tbk_now_ns() - state.begun, request.bytes,
			    request.error == 0);
	state.~RequestState();
	request.done(&request);
}

/*
 * Asked after a write in place has ended: that had seen the map with a change
 * whose record may be on its way still. Context: any.
 */
bool VolumeIo::is_map_durable() const
{
	if (log_.is_changing())
		return false;
	const u64 changed = volume_.changed.load_relaxed();
	const u64 durable = pool_.checkpointer().durable();
	const u64 added = log_.added();

	return changed <= durable || (log_.dropped() <= durable && log_.committed() >= added);
}

/*
 * Makes all that completed before durable: by the journal if the map has changed,
 * else by a flush of the device.
 */
void VolumeIo::flush(RequestState &state)
{
	if (is_map_durable())
		flush_data(state);
	else
		flush_map(state);
}

/* For a write that waits for space, or for room for its mappings. Context: any. */
void VolumeIo::flush_all(RequestState &state)
{
	state.flush.done = flushed;
	state.flush.target = pool_.checkpointer().durable() + 1;
	pool_.checkpointer().flush(state.flush);
}

/* Context: any. */
void VolumeIo::flush_map(RequestState &state)
{
	state.flush.done = flushed;
	state.flush.target = volume_.changed.load_relaxed();
	state.flush.log = &log_;
	state.flush.volume = &volume_;
	pool_.journal().flush(state.flush);
}

void VolumeIo::flush_data(RequestState &state)
{
	if (!pool_.device_info().volatile_cache) {
		flush_ended(state, 0);
		return;
	}
	state.first.io = {};
	state.first.io.op = TBK_OP_FLUSH;
	state.first.io.flags = TBK_IO_SYNC;
	state.first.io.payload = &state.request().payload;
	state.first.io.done = device_flushed;
	pool_.device().ops->submit(&pool_.device(), &state.first.io);
}

void VolumeIo::flushed(FlushWaiter &waiter, int error)
{
	RequestState &state = container_of<&RequestState::flush>(&waiter);

	state.volume->flush_ended(state, error);
}

void VolumeIo::device_flushed(struct tbk_io *io)
{
	Piece &piece = container_of<&Piece::io>(io);
	RequestState &state = container_of<&RequestState::first>(&piece);

	state.volume->flush_ended(state, io->error);
}

/* Context: any. What comes after is for a thread. */
void VolumeIo::flush_ended(RequestState &state, int error)
{
	const struct tbk_request &request = state.request();

	if (error)
		fail(state, from_errno(error));
	const bool is_first =
		(request.flags & TBK_IO_PREFLUSH) && !state.flushed && state.handed_out == 0;

	if (!error && request.op != TBK_OP_FLUSH && (is_first || state.stall != Stall::none)) {
		state.flushed = true;
		if (state.stall == Stall::checkpoint)
			queue_retry(state);
		else
			queue_slow(state);
		return;
	}
	finish(state);
}

/* The work is queued under the lock, for the same reason as in mapped_piece_written(). */
void VolumeIo::queue_slow(RequestState &state)
{
	IrqGuard guard(lock_);

	push_slow(state);
}

void VolumeIo::push_slow(RequestState &state)
{
	slow_.push_back(state);
	tbk_work_queue(pool_.queue(), &slow_works_[next_slow_].work);
	next_slow_ = (next_slow_ + 1) % slow_works;
}

void VolumeIo::wake(RangeLock::Waiters &ready)
{
	while (RangeWaiter *waiter = ready.pop_front())
		queue_slow(container_of<&RequestState::range_waiter>(waiter));
}

/* Whether the request, about to change the map, has to wait outside gate and epoch for a checkpoint. */
bool VolumeIo::is_stuffed(RequestState &state) const
{
	if (!pool_.cache().is_stuffed())
		return false;
	state.stall = Stall::room;
	return true;
}

void VolumeIo::resume(RequestState &state)
{
	if (state.stall == Stall::checkpoint)
		state.retried = true;
	state.stall = Stall::none;
	state.pending.store_relaxed(1);
}

void VolumeIo::run_slow(struct tbk_work *work)
{
	VolumeIo &self = *container_of<&SlowWork::work>(work).volume;

	for (;;) {
		RequestState *state = nullptr;
		{
			IrqGuard guard(self.lock_);
			state = self.slow_.pop_front();
		}
		if (!state)
			return;
		if (state->stall != Stall::none)
			self.resume(*state);
		if (state->inside)
			self.drive(*state, Effort::io);
		else
			self.start(*state, Effort::io);
	}
}

} // namespace thinback
