/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "guest.h"
#include "hosted.h"
#include "simulation.h"

namespace thinback {

/* A ring as dom0 has it: a thread that is called by events. */
class GuestThread {
public:
	GuestThread(Guest &guest, Guest::Ring &ring, const struct tbk_xen_ring_plan &plan)
		: guest_(guest), ring_(ring), core_(plan.ring), max_(plan.max_grants)
	{
		tbk_wait_init(&wait_);
	}

	void start()
	{
		/* Xen makes an event pending when a port is bound. */
		is_called_ = is_running_ = true;
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

	/* Waits for what finish_soon() and retry_after() have started. */
	void settle()
	{
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

	/* Whether one page more may be mapped. */
	bool has_room() const { return mapped_ < max_; }

	Guest &guest_;
	Guest::Ring &ring_;
	struct tbk_ring *core_;
	u32 max_;
	u32 mapped_ = 0;
	bool is_unmapping_ = false;

private:
	static GuestThread &of(void *self) { return *static_cast<GuestThread *>(self); }

	static int is_wanted(void *self)
	{
		return int(of(self).is_called_ || of(self).is_stopping_);
	}

	void run()
	{
		while (!is_stopping_) {
			tbk_wait_until(&wait_, is_wanted, this);
			is_called_ = false;
			if (!is_stopping_ && drain())
				break;
		}
		is_running_ = false;
		tbk_wake(&wait_);
	}

	/* True when the ring is dead. */
	bool drain()
	{
		u32 ran = 0;

		do {
			ran = tbk_ring_run(core_);
			hosted_yield();
			if (ran & TBK_RUN_DEAD)
				return true;
		} while (ran & TBK_RUN_MORE && !is_stopping_);
		return false;
	}

	static void finish(void *self)
	{
		tbk_ring_finish(of(self).core_);
		of(self).done();
	}

	static void retry(void *self)
	{
		tbk_ring_retry(of(self).core_);
		of(self).done();
	}

	void done()
	{
		pending_--;
		tbk_wake(&wait_);
	}

	struct tbk_wait wait_ {};
	bool is_called_ = false;
	bool is_stopping_ = false;
	bool is_running_ = false;
	u32 pending_ = 0;
};

} // namespace thinback
