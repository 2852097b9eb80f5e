// SPDX-License-Identifier: GPL-2.0
/*
 * Spinlocks and mutexes that know their rank and their owner. Nobody spins:
 * there is one thread, and it never leaves a fiber that holds a spinlock.
 */
#include <algorithm>

#include "simulation.h"

using namespace thinback;

namespace {

struct Spin {
	static constexpr const char *kind = "spinlock";
	unsigned long magic;
	int rank;
	bool is_taken_with_irqs_on;
	bool is_taken_in_interrupts;
	Context *owner;
};

struct Sleeping {
	static constexpr const char *kind = "mutex";
	unsigned long magic;
	int rank;
	Context *owner;
};

void check_rank(const Context &context, int rank)
{
	for (const Held &held : context.held)
		if (held.rank >= rank)
			die("takes a lock of rank %d while it holds one of rank %d", rank,
			    held.rank);
}

void note_held(Context &context, const Held &held)
{
	context.held.push_back(held);
	context.spinning += held.kind != LockKind::mutex;
	context.irqs_off += held.kind == LockKind::irq;
}

void note_released(Context &context, const Held &wanted)
{
	const auto same = [&](const Held &one) {
		return one.lock == wanted.lock;
	};
	const auto found = std::find_if(context.held.begin(), context.held.end(), same);

	if (found == context.held.end())
		die("lets go of a lock it does not hold");
	if (found->kind != wanted.kind)
		die("lets go of a lock another way than it took it");
	if (found->flags != wanted.flags)
		die("lets go of a lock with flags that are not its own");
	context.spinning -= found->kind != LockKind::mutex;
	context.irqs_off -= found->kind == LockKind::irq;
	context.held.erase(found);
}

void take_spin(Spin &lock, LockKind kind, unsigned long flags)
{
	Context &context = current_context();

	if (lock.owner)
		die("takes a spinlock of rank %d that %s holds", lock.rank, lock.owner->name);
	check_rank(context, lock.rank);
	if (kind == LockKind::spin && (context.interrupt || context.irqs_off))
		die("takes a spinlock of rank %d, meant for processes, with interrupts off",
		    lock.rank);
	lock.is_taken_with_irqs_on |= kind == LockKind::spin;
	lock.is_taken_in_interrupts |= context.interrupt;
	if (lock.is_taken_with_irqs_on && lock.is_taken_in_interrupts)
		die("a spinlock of rank %d is taken in interrupts, and elsewhere with them on",
		    lock.rank);
	lock.owner = &context;
	note_held(context, { &lock, lock.rank, kind, flags });
}

void drop_spin(Spin &lock, LockKind kind, unsigned long flags)
{
	note_released(current_context(), { &lock, lock.rank, kind, flags });
	lock.owner = nullptr;
	maybe_preempt();
}

void take_mutex(Sleeping &mutex)
{
	Context &context = current_context();

	mutex.owner = &context;
	note_held(context, { &mutex, mutex.rank, LockKind::mutex, 0 });
}

} // namespace

void tbk_spin_init(struct tbk_spinlock *lock, enum tbk_lock_rank rank)
{
	set_up<Spin>(lock).rank = rank;
}

void tbk_spin_lock(struct tbk_spinlock *lock)
{
	take_spin(real<Spin>(lock), LockKind::spin, 0);
}

void tbk_spin_unlock(struct tbk_spinlock *lock)
{
	drop_spin(real<Spin>(lock), LockKind::spin, 0);
}

unsigned long tbk_spin_lock_irq(struct tbk_spinlock *lock)
{
	/* As different at each depth as the kernel's are. */
	const unsigned long flags = 0x200 + current_context().irqs_off;

	take_spin(real<Spin>(lock), LockKind::irq, flags);
	return flags;
}

void tbk_spin_unlock_irq(struct tbk_spinlock *lock, unsigned long flags)
{
	drop_spin(real<Spin>(lock), LockKind::irq, flags);
}

void tbk_spin_assert_held(const struct tbk_spinlock *lock)
{
	if (real<Spin>(lock).owner != &current_context())
		die("does not hold a spinlock of rank %d as it should", real<Spin>(lock).rank);
}

void tbk_mutex_init(struct tbk_mutex *mutex, enum tbk_lock_rank rank)
{
	set_up<Sleeping>(mutex).rank = rank;
}

void tbk_mutex_destroy(struct tbk_mutex *mutex)
{
	Sleeping &gone = real<Sleeping>(mutex);

	if (gone.owner)
		die("destroys a mutex of rank %d that %s holds", gone.rank, gone.owner->name);
	gone.magic = 0;
}

void tbk_mutex_lock(struct tbk_mutex *mutex)
{
	Sleeping &wanted = real<Sleeping>(mutex);

	might_sleep("a mutex");
	if (wanted.owner == &current_context())
		die("takes a mutex of rank %d that it holds", wanted.rank);
	check_rank(current_context(), wanted.rank);
	while (wanted.owner)
		park(mutex, "a mutex");
	take_mutex(wanted);
}

int tbk_mutex_trylock(struct tbk_mutex *mutex)
{
	Sleeping &wanted = real<Sleeping>(mutex);

	might_sleep("a mutex");
	if (wanted.owner)
		return 0;
	take_mutex(wanted);
	return 1;
}

void tbk_mutex_unlock(struct tbk_mutex *mutex)
{
	Sleeping &held = real<Sleeping>(mutex);

	note_released(current_context(), { mutex, held.rank, LockKind::mutex, 0 });
	held.owner = nullptr;
	unpark(mutex);
	maybe_preempt();
}

void tbk_mutex_assert_held(const struct tbk_mutex *mutex)
{
	if (real<Sleeping>(mutex).owner != &current_context())
		die("does not hold a mutex of rank %d as it should", real<Sleeping>(mutex).rank);
}
