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

u64 SweepPolicy::bytes_per_second() const
{
	if (rate == format::no_discard_rate)
		return 0;
	return u64{ rate ? rate : format::default_discard_rate } << 20;
}

Sweeper::Sweeper(Pool &pool) : pool_(pool)
{
	tbk_wait_init(&wait_);
	tbk_work_init(&work_, run_work);
}

Sweeper::~Sweeper()
{
	tbk_big_free(runs_);
	tbk_big_free(zeros_);
}

u64 Sweeper::granule() const
{
	const u64 bytes = pool_.device_info().discard_granularity;

	return bytes > 0 ? max<u64>(bytes / format::block_size, 1) : 0;
}

Status Sweeper::set(const SweepPolicy &policy)
{
	const struct tbk_device_info &device = pool_.device_info();

	if (policy.what && !runs_)
		runs_ = static_cast<Run *>(tbk_big_alloc(room * sizeof(Run)));
	if (policy.scrubs() && !zeros_)
		zeros_ = static_cast<u8 *>(tbk_big_alloc(zero_blocks * format::block_size));
	if ((policy.what && !runs_) || (policy.scrubs() && !zeros_))
		return Err::no_memory;
	if (policy.discards() && granule() == 0 && !pool_.is_read_only())
		tbk_log(TBK_LOG_WARNING, "%s: %s takes no discards: what is freed is not discarded",
			pool_.name(), device.name);
	rate_.store_relaxed(policy.rate);
	refused_.store_relaxed(0);
	told_.store_relaxed(0);
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

bool Sweeper::may_discard(const SweepPolicy &policy) const
{
	return policy.discards() && granule() != 0 && !refused_.load_relaxed();
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
	if (!policy.scrubs() && (in_haste || !may_discard(policy))) {
		release_all();
		return false;
	}
	if (at_ == count_ && !fill())
		return false;
	const u64 begun = tbk_now_ns();
	const u32 count = cut_pieces(policy);

	if (policy.scrubs())
		overwrite(count);
	if (may_discard(policy)) {
		/* Or the zeros might be discarded before they are written. */
		if (policy.scrubs())
			(void)flush_device(pool_.device());
		discard(count);
	}
	slow_down(policy, begun, count);
	for (u32 i = 0; i < count; i++) {
		if (slots_[i].failed)
			pool_.space().keep_freed(slots_[i].run);
		else
			pool_.space().give_freed(slots_[i].run);
	}
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

/* As many of @run's blocks as one request takes; the rest begins at a granule's start, if it can. */
u32 Sweeper::piece_of(const Run &run, u32 most) const
{
	if (run.count <= most || granule() < 2)
		return min(run.count, most);
	const u64 end = (run.start + most) / granule() * granule();

	return end > run.start ? static_cast<u32>(end - run.start) : most;
}

/* A whole granule at least: of less nothing would ever be discarded. */
u64 Sweeper::most_of_piece(const SweepPolicy &policy, u64 budget) const
{
	const u64 most = min(u64{ policy.scrubs() ? zero_blocks : discard_blocks }, budget);

	return may_discard(policy) ? max(most, min(granule(), u64{ discard_blocks })) : most;
}

/* Into the slots, about an eighth of a second's worth; returns how many. */
u32 Sweeper::cut_pieces(const SweepPolicy &policy)
{
	const u64 eighth = policy.bytes_per_second() / 8 / format::block_size;
	const u64 budget = eighth ? eighth : ~0ull;
	const u64 most = most_of_piece(policy, budget);
	u64 blocks = 0;
	u32 count = 0;

	for (; count < depth && at_ < count_ && blocks < budget; count++) {
		Run &run = runs_[at_];
		Slot &slot = slots_[count];

		slot.run = { run.start, piece_of(run, static_cast<u32>(most)) };
		slot.failed = false;
		blocks += slot.run.count;
		run.start += slot.run.count;
		run.count -= slot.run.count;
		at_ += run.count == 0;
	}
	return count;
}

/* What is not yet overwritten of it, from its block @from on. False when nothing is, or some of it cannot be. */
bool Sweeper::aim_zeros(Slot &slot, u64 from) const
{
	if (from >= slot.run.count || slot.failed)
		return false;
	slot.io = {};
	slot.io.op = TBK_OP_WRITE;
	slot.io.sector = (slot.run.start + from) * sectors_per_block;
	slot.io.bytes = min(slot.run.count - from, u64{ zero_blocks }) * format::block_size;
	slot.payload = { zeros_, TBK_PAYLOAD_BUFFER, 0, slot.io.bytes };
	return true;
}

/* False if there is nothing to be asked: not one granule of the device. */
bool Sweeper::aim_discard(Slot &slot) const
{
	const u64 start = (slot.run.start + granule() - 1) / granule() * granule();
	const u64 end = (slot.run.start + slot.run.count) / granule() * granule();

	if (start >= end || slot.failed)
		return false;
	slot.io = {};
	slot.io.op = TBK_OP_DISCARD;
	slot.io.sector = start * sectors_per_block;
	slot.io.bytes = (end - start) * format::block_size;
	slot.payload = {};
	return true;
}

void Sweeper::done(struct tbk_io *io)
{
	Slot &slot = container_of<&Slot::io>(io);

	slot.wait->end(0);
}

void Sweeper::overwrite(u32 count)
{
	bool is_aimed[depth] = {};
	bool is_any = true;

	for (u64 from = 0; is_any; from += zero_blocks) {
		is_any = false;
		for (u32 i = 0; i < count; i++) {
			is_aimed[i] = aim_zeros(slots_[i], from);
			is_any |= is_aimed[i];
		}
		submit(TBK_OP_WRITE, is_aimed, count);
	}
}

void Sweeper::discard(u32 count)
{
	bool is_aimed[depth] = {};

	for (u32 i = 0; i < count; i++)
		is_aimed[i] = aim_discard(slots_[i]);
	submit(TBK_OP_DISCARD, is_aimed, count);
}

/* To all slots that are aimed at once, and waits for them. */
void Sweeper::submit(u32 op, const bool *is_aimed, u32 count)
{
	IoWait wait;

	for (u32 i = 0; i < count; i++) {
		if (!is_aimed[i])
			continue;
		slots_[i].io.payload = &slots_[i].payload;
		slots_[i].io.done = done;
		slots_[i].wait = &wait;
		wait.begin();
		pool_.device().ops->submit(&pool_.device(), &slots_[i].io);
	}
	(void)wait.wait();
	for (u32 i = 0; i < count; i++) {
		if (!is_aimed[i] || slots_[i].io.error == 0)
			continue;
		slots_[i].failed = op == TBK_OP_WRITE;
		tell(op, slots_[i].io.error);
	}
}

/* Once: a device that fails goes on failing. */
void Sweeper::tell(u32 op, int error)
{
	const char *device = pool_.device_info().name;

	if (op == TBK_OP_DISCARD && error == -TBK_EOPNOTSUPP)
		refused_.store_relaxed(1);
	if (told_.exchange(1))
		return;
	if (op == TBK_OP_DISCARD)
		tbk_log(TBK_LOG_WARNING, "%s: a discard on %s failed (error %d): %s", pool_.name(),
			device, -error, "what is freed is used again all the same");
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: freed blocks on %s cannot be overwritten (error %d): %s", pool_.name(),
			device, -error, "they are not used again while the pool is attached");
}

void Sweeper::slow_down(const SweepPolicy &policy, u64 begun, u32 count)
{
	constexpr u64 second = 1000 * 1000 * 1000;
	const u64 rate = policy.bytes_per_second();
	u64 bytes = 0;

	for (u32 i = 0; i < count; i++)
		bytes += u64{ slots_[i].run.count } * format::block_size;
	next_ns_ = rate ? begun + bytes * second / rate : 0;
}

} // namespace thinback
