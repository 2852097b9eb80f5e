// SPDX-License-Identifier: GPL-2.0
#include "sweeper.h"

#include <thinback/base/container.h>

#include "pool.h"

namespace thinback {
namespace {

/* By start; Shell's way, which takes no memory. */
void sort(Run *runs, u32 count)
{
	for (u32 gap = count / 2; gap > 0; gap /= 2) {
		for (u32 i = gap; i < count; i++) {
			const Run run = runs[i];
			u32 at = i;

			for (; at >= gap && runs[at - gap].start > run.start; at -= gap)
				runs[at] = runs[at - gap];
			runs[at] = run;
		}
	}
}

/* Sorted ones; returns how many are left. None reaches into another group: those begin with fixed blocks. */
u32 merge(Run *runs, u32 count)
{
	u32 last = 0;

	for (u32 i = 1; i < count; i++) {
		if (runs[last].start + runs[last].count == runs[i].start)
			runs[last].count += runs[i].count;
		else
			runs[++last] = runs[i];
	}
	return last + 1;
}

struct Waiter {
	const Atomic<u64> &follows;
	const u64 until;

	static int is_over(void *self)
	{
		const auto *waiter = static_cast<Waiter *>(self);

		return waiter->follows.load_acquire() >= waiter->until;
	}
};

} // namespace

Sweeper::Sweeper(Pool &pool) : pool_(pool), batch_(pool)
{
	tbk_wait_init(&wait_);
	tbk_work_init(&work_, run_work);
}

Sweeper::~Sweeper()
{
	tbk_big_free(runs_);
}

Status Sweeper::set(const SweepPolicy &policy)
{
	if (policy.what && !runs_)
		runs_ = static_cast<Run *>(tbk_big_alloc(room * sizeof(Run)));
	if (policy.what && !runs_)
		return Err::no_memory;
	TBK_TRY(batch_.prepare(policy));
	rate_.store_relaxed(policy.rate);
	what_.store_release(policy.what);
	return {};
}

void Sweeper::kick()
{
	kicks_.fetch_add(1);
	if (!stopping_.load_acquire())
		tbk_work_queue(pool_.queue(), &work_);
}

void Sweeper::hurry()
{
	if (is_idle())
		return;
	Waiter waiter{ answered_, asked_.fetch_add(1) + 1 };

	tbk_work_queue(pool_.queue(), &work_);
	tbk_wait_until(&wait_, Waiter::is_over, &waiter);
}

void Sweeper::wait_idle()
{
	Waiter waiter{ done_, kicks_.load_acquire() };

	tbk_wait_until(&wait_, Waiter::is_over, &waiter);
}

void Sweeper::finish()
{
	finishing_.store_release(1);
	kick();
	wait_idle();
}

void Sweeper::stop()
{
	stopping_.store_release(1);
	tbk_work_cancel(&work_);
}

/* What waits to be swept counts as free, so that it is not what makes it short. */
bool Sweeper::is_short() const
{
	const Space &space = pool_.space();

	return pool_.watch().level() >= Level::critical ||
	       space.free_for_data() <= space.reserved();
}

/* One round. What came before it began is answered by it. */
void Sweeper::run_work(struct tbk_work *work)
{
	Sweeper &self = container_of<&Sweeper::work_>(work);
	const u64 kicks = self.kicks_.load_acquire();
	const u64 asked = self.asked_.load_acquire();
	const bool in_haste = asked != self.answered_.load_relaxed() ||
			      self.finishing_.load_acquire() || self.is_short();
	const u64 now = tbk_now_ns();
	bool is_more = true;

	if (self.stopping_.load_acquire())
		return;
	if (in_haste || now >= self.next_ns_)
		is_more = self.sweep(self.policy(), in_haste);
	if (!is_more)
		self.done_.store_release(kicks);
	self.answered_.store_release(asked);
	tbk_wake(&self.wait_);
	if (!is_more || self.stopping_.load_acquire())
		return;
	constexpr u64 ms = 1000 * 1000;
	const u64 then = tbk_now_ns();

	if (in_haste || then >= self.next_ns_)
		tbk_work_queue(self.pool_.queue(), &self.work_);
	else
		tbk_work_queue_after(self.pool_.queue(), &self.work_,
				     static_cast<unsigned int>((self.next_ns_ - then) / ms + 1));
}

/* False when nothing is left. */
bool Sweeper::sweep(const SweepPolicy &policy, bool in_haste)
{
	constexpr u64 second = 1000 * 1000 * 1000;
	const u64 rate = policy.bytes_per_second();

	if (!policy.scrubs() && (in_haste || !batch_.may_discard(policy))) {
		release_all();
		return false;
	}
	if (at_ == count_ && !fill())
		return false;
	const u64 begun = tbk_now_ns();

	at_ += batch_.cut(runs_ + at_, count_ - at_, policy);
	batch_.sweep(policy);
	next_ns_ = rate ? begun + batch_.bytes() * second / rate : 0;
	batch_.give_back();
	pool_.watch().space_came();
	return true;
}

void Sweeper::release_all()
{
	while (at_ < count_)
		pool_.space().give_freed(runs_[at_++]);
	pool_.space().give_all_freed();
	pool_.watch().space_came();
}

bool Sweeper::fill()
{
	at_ = 0;
	count_ = pool_.space().take_freed(runs_, room);
	if (count_ == 0)
		return false;
	sort(runs_, count_);
	count_ = merge(runs_, count_);
	return true;
}

} // namespace thinback
