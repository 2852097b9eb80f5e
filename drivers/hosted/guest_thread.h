/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <algorithm>

#include "guest.h"
#include "hosted.h"
#include "simulation.h"

namespace thinback {

/*
 * A ring as dom0 has it: a thread that is called by events. No event comes
 * before the last one has ended, as with lateeoi.
 */
class GuestThread {
public:
	GuestThread(Guest &guest, Guest::Ring &ring, const struct tbk_xen_ring_plan &plan)
		: guest_(guest), ring_(ring), core_(plan.ring), max_(plan.max_grants)
	{
		tbk_wait_init(&wait_);
		tbk_work_init(&alarm_.raw, ring_alarm);
		alarm_.thread = this;
	}

	void start()
	{
		/* Xen makes an event pending when a port is bound. */
		is_running_ = true;
		event();
		hosted_spawn("ring", [this] { run(); });
	}

	void stop()
	{
		is_stopping_ = true;
		tbk_wake(&wait_);
		tbk_wait_until(
			&wait_, [](void *self) { return int(!of(self).is_running_); }, this);
	}

	void call()
	{
		is_called_ = true;
		tbk_wake(&wait_);
	}

	void call_after(unsigned int ms) { tbk_work_queue_after(guest_.queue_, &alarm_.raw, ms); }

	/* The guest has sent one. */
	void event()
	{
		is_pending_ = is_due_;
		if (is_due_)
			return;
		is_due_ = is_event_ = true;
		guest_.events_delivered_++;
		tbk_wake(&wait_);
	}

	/* Waits for what finish_soon() and retry_after() have started. */
	void settle()
	{
		tbk_work_cancel(&alarm_.raw);
		if (is_running_)
			die("a ring is closed while its thread runs");
		tbk_wait_until(
			&wait_, [](void *self) { return int(of(self).pending_ == 0); }, this);
	}

	void finish_soon()
	{
		pending_++;
		hosted_interrupt(0, finish, this);
	}

	void retry_after(unsigned int ms)
	{
		pending_++;
		hosted_interrupt(u64(ms) * 1'000'000, retry, this);
	}

	void tidy_after(unsigned int ms)
	{
		if (is_tidying_)
			return;
		is_tidying_ = true;
		pending_++;
		hosted_interrupt(u64(ms) * 1'000'000, tidy, this);
	}

	/* Pages that are given back, and taken again as far as there are any. */
	void give_pages(u32 count)
	{
		if (count > max_ - mapped_)
			die("%u pages are given back of %u that are not in use", count,
			    max_ - mapped_);
		max_ -= count;
	}

	u32 take_pages(u32 count)
	{
		count = std::min(count, guest_.pages_there_);
		guest_.pages_there_ -= count;
		max_ += count;
		return count;
	}

	/* As one work does in dom0: never two at once. */
	void squeeze() { tbk_ring_squeeze(core_); }
	bool relax() { return tbk_ring_relax(core_) == 0; }

	/* Whether one page more may be mapped. */
	bool has_room() const { return mapped_ < max_; }

	Guest &guest_;
	Guest::Ring &ring_;
	struct tbk_ring *core_;
	u32 max_;
	u32 mapped_ = 0;
	bool is_unmapping_ = false;

private:
	struct Alarm {
		struct tbk_work raw; /* first: found from it */
		GuestThread *thread;
	};

	static void ring_alarm(struct tbk_work *work)
	{
		reinterpret_cast<Alarm *>(work)->thread->call();
	}

	static GuestThread &of(void *self) { return *static_cast<GuestThread *>(self); }

	static int is_wanted(void *self)
	{
		const GuestThread &ring = of(self);

		return int(ring.is_called_ || ring.is_event_ || ring.is_stopping_);
	}

	void run()
	{
		u32 ran = 0;

		while (!is_stopping_ && !(ran & TBK_RUN_DEAD)) {
			tbk_wait_until(&wait_, is_wanted, this);
			is_called_ = is_event_ = false;
			if (is_stopping_)
				break;
			ran = drain();
			if (is_due_ && !(ran & (TBK_RUN_WAITING | TBK_RUN_DEAD)))
				end_event();
		}
		is_running_ = false;
		tbk_wake(&wait_);
	}

	/* What the last run said. */
	u32 drain()
	{
		u32 ran = 0;

		do {
			ring_.turns++;
			ran = tbk_ring_run(core_);
			since_ |= ran & TBK_RUN_PROGRESS;
			hosted_yield();
		} while (ran & TBK_RUN_MORE && !(ran & TBK_RUN_DEAD) && !is_stopping_);
		return ran;
	}

	/* Xen makes a guest wait longer and longer that sends events for nothing. */
	void end_event()
	{
		if (!(since_ & TBK_RUN_PROGRESS))
			guest_.events_for_nothing_++;
		since_ = 0;
		is_due_ = false;
		if (is_pending_)
			event();
	}

	static void finish(void *self)
	{
		tbk_ring_finish(of(self).core_);
		of(self).done();
	}

	/* A process has its turn when the timer has run out, and others have theirs meanwhile. */
	static void retry(void *self)
	{
		hosted_spawn("retry", [self] {
			tbk_ring_retry(of(self).core_);
			of(self).done();
		});
	}

	static void tidy(void *self)
	{
		hosted_spawn("tidy", [self] {
			of(self).is_tidying_ = false;
			tbk_ring_tidy(of(self).core_);
			of(self).done();
		});
	}

	void done()
	{
		pending_--;
		tbk_wake(&wait_);
	}

	struct tbk_wait wait_ {};
	Alarm alarm_{};
	bool is_called_ = false;  /* by the core */
	bool is_event_ = false;	  /* by the guest */
	bool is_due_ = false;	  /* an event that has not ended */
	bool is_pending_ = false; /* another behind it */
	u32 since_ = 0;		  /* TBK_RUN_*, since the last event ended */
	bool is_stopping_ = false;
	bool is_running_ = false;
	bool is_tidying_ = false;
	u32 pending_ = 0;
};

} // namespace thinback
