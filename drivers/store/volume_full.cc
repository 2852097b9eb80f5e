// SPDX-License-Identifier: GPL-2.0
/*
 * Space for a write, and what becomes of one that finds none: an error, or it
 * waits. Those who wait are outside the gate and the epoch, hold no lock and
 * no range, and take no memory: there are as many as their senders have under way.
 */
#include <thinback/base/container.h>

#include "pool.h"
#include "volume_io.h"

namespace thinback {

/* The pool's sum of reserves is read before what of it is this volume's: see Allowance::move_by(). */
Result<Run> VolumeIo::take_space(u64 block, u32 count, const Mapping &found, Effort effort)
{
	Allowance &allowance = volume_.allowance;
	Space &space = pool_.space();
	Want want = want_for(block, count, found, effort);

	want.kept = space.reserved();
	if (!allowance.is_counted()) {
		const Run run = TBK_TRY(space.take(home_, want));

		remember(block, run);
		return run;
	}
	const u64 left = allowance.left();

	if (left == 0)
		return Err::over_quota;
	const u64 outstanding = allowance.outstanding();

	want.count = static_cast<u32>(min(left, static_cast<u64>(want.count)));
	want.kept -= min(want.kept, outstanding);
	want.reserved = outstanding > 0;
	if (want.reserved)
		want.count = static_cast<u32>(min(outstanding, static_cast<u64>(want.count)));
	Run run = TBK_TRY(space.take(home_, want));
	const u32 within = allowance.claim(run.count, space);

	if (within < run.count)
		space.give_back({ run.start + within, run.count - within });
	if (within == 0)
		return Err::over_quota;
	run.count = within;
	remember(block, run);
	return run;
}

/* Taken for a write that failed. */
void VolumeIo::give_space_back(Run run)
{
	pool_.space().give_back(run);
	if (volume_.allowance.is_counted())
		volume_.allowance.unclaim(run.count, pool_.space());
	pool_.watch().space_came();
}

/*
 * Blocks between two counters, given back or not yet, look for a moment as if
 * there were fewer: even where nobody is to wait there is a second look.
 */
VolumeIo::Step VolumeIo::space_refused(RequestState &state, Err err)
{
	/* A few blocks are always on their way back: nodes that were replaced. */
	constexpr u64 worth_waiting_for = 64;

	if (err == Err::would_block)
		return Step::parked;
	if (err != Err::no_space && err != Err::over_quota) {
		fail(state, err);
		return Step::done;
	}
	/* What is scrubbed comes a piece at a time, and others may be first. */
	if (err == Err::no_space && (!state.retried || pool_.sweeper().is_scrubbing()) &&
	    pool_.space().freeing_blocks() >= worth_waiting_for) {
		state.stall = Stall::checkpoint;
		return Step::stalled;
	}
	if (state.look == 0)
		state.stalled_since = tbk_now_ns();
	else
		pool_.watch().refused(volume_, err);
	if (state.look != 0 && !may_wait(state)) {
		fail(state, pool_.checkpointer().has_failed() ? Err::pool_failed : err);
		return Step::done;
	}
	state.stall = Stall::full;
	return Step::stalled;
}

/* What the checkpoint freed is to be given out first. Queued under the lock, for the same reason as in mapped_piece_written(). */
void VolumeIo::queue_retry(RequestState &state)
{
	IrqGuard guard(lock_);

	retries_.push_back(state);
	tbk_work_queue(pool_.queue(), &retry_work_);
}

/*
 * A work of its own: this waits until requests that are inside have ended, and some of
 * these wait for one of the slow works.
 */
void VolumeIo::run_retry(struct tbk_work *work)
{
	VolumeIo &self = container_of<&VolumeIo::retry_work_>(work);
	List<RequestState, &RequestState::link> retries;

	{
		IrqGuard guard(self.lock_);
		retries.splice_all(self.retries_);
	}
	if (retries.is_empty())
		return;
	self.pool_.reclaim_now();
	while (RequestState *state = retries.pop_front())
		self.queue_slow(*state);
}

/*
 * Unmaps; what of that goes before the nodes run short stays gone, and while some does it
 * goes on after a checkpoint, which brings replaced nodes back.
 */
VolumeIo::Step VolumeIo::drop(RequestState &state, u64 block, u64 count)
{
	Status unmapped;
	bool is_less = false;

	{
		MutexGuard guard(volume_.lock);
		const u64 before = volume_.usage.mapped;

		unmapped = unmap(block, count);
		is_less = volume_.usage.mapped < before;
	}
	if (unmapped.error() == Err::no_space && (is_less || !state.retried) &&
	    pool_.space().freeing_blocks() > 0) {
		state.stall = Stall::checkpoint;
		return Step::stalled;
	}
	if (!unmapped.is_ok())
		fail(state, unmapped.error());
	state.handed_out += count * format::block_size;
	return Step::done;
}

bool VolumeIo::may_wait(const RequestState &state) const
{
	if (pool_.checkpointer().has_failed() || (state.leaving && state.leaving->load_acquire()))
		return false;
	switch (volume_.allowance.on_full()) {
	case format::OnFull::error:
		break;
	case format::OnFull::wait:
		return tbk_now_ns() - state.stalled_since < volume_.allowance.wait_ns();
	case format::OnFull::pause:
		return true;
	}
	return false;
}

/*
 * Unless there may be a block since it looked: then it looks again. Context: any.
 * Works are queued under the lock, for the same reason as in mapped_piece_written().
 */
void VolumeIo::wait_for_space(RequestState &state)
{
	IrqGuard guard(lock_);

	if (state.look != look_) {
		state.look = look_;
		push_slow(state);
		return;
	}
	waiting_.push_back(state);
	waiting_count_++;
	if (volume_.allowance.on_full() == format::OnFull::wait)
		tbk_work_queue_after(pool_.queue(), &expire_work_, expire_ms);
}

void VolumeIo::look_again()
{
	IrqGuard guard(lock_);

	if (++look_ == 0)
		look_ = 1;
	while (RequestState *state = waiting_.pop_front()) {
		state->look = look_;
		push_slow(*state);
	}
	waiting_count_ = 0;
}

u32 VolumeIo::waiting()
{
	IrqGuard guard(lock_);

	return waiting_count_;
}

void VolumeIo::run_expire(struct tbk_work *work)
{
	container_of<&VolumeIo::expire_work_>(work).expire();
}

/* Ends those who have waited long enough; comes again while there are others. */
void VolumeIo::expire()
{
	List<RequestState, &RequestState::link> expired;

	{
		IrqGuard guard(lock_);
		RequestState *next = nullptr;

		for (RequestState *state = waiting_.first(); state; state = next) {
			next = waiting_.next(*state);
			if (may_wait(*state))
				continue;
			waiting_.remove(*state);
			waiting_count_--;
			expired.push_back(*state);
		}
		if (waiting_count_ > 0)
			tbk_work_queue_after(pool_.queue(), &expire_work_, expire_ms);
	}
	while (RequestState *state = expired.pop_front()) {
		fail(*state, Err::no_space);
		finish(*state);
	}
}

} // namespace thinback
