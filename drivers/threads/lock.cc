// SPDX-License-Identifier: GPL-2.0
/* Locks that know their rank. Spinlocks sleep here, as there are more threads than processors. */
#include <algorithm>
#include <mutex>

#include "../hosted/simulation.h"

using namespace thinback;

namespace {

struct Spin {
	static constexpr const char *kind = "spinlock";
	unsigned long magic = 0;
	int rank = 0;
	std::mutex mutex;
};

struct Sleeping {
	static constexpr const char *kind = "mutex";
	unsigned long magic = 0;
	int rank = 0;
	std::mutex mutex;
};

bool is_held(const void *lock)
{
	const auto &held = current_context().held;

	return std::any_of(held.begin(), held.end(),
			   [=](const Held &one) { return one.lock == lock; });
}

void check_rank(int rank)
{
	for (const Held &held : current_context().held)
		if (held.rank >= rank)
			die("takes a lock of rank %d while it holds one of rank %d", rank,
			    held.rank);
}

void note_held(const Held &held)
{
	Context &context = current_context();

	context.held.push_back(held);
	context.spinning += held.kind != LockKind::mutex;
	context.irqs_off += held.kind == LockKind::irq;
}

void note_released(const Held &wanted)
{
	Context &context = current_context();
	const auto found =
		std::find_if(context.held.begin(), context.held.end(), [&](const Held &one) {
			return one.lock == wanted.lock && one.kind == wanted.kind;
		});

	if (found == context.held.end())
		die("lets go of a lock it does not hold, or another way than it took it");
	if (found->flags != wanted.flags)
		die("lets go of a lock with flags that are not its own");
	context.spinning -= wanted.kind != LockKind::mutex;
	context.irqs_off -= wanted.kind == LockKind::irq;
	context.held.erase(found);
}

void take_spin(struct tbk_spinlock *lock, LockKind kind, unsigned long flags)
{
	Spin &spin = real<Spin>(lock);
	const Context &context = current_context();

	if (kind == LockKind::spin && (context.interrupt || context.irqs_off))
		die("takes a spinlock of rank %d, meant for processes, with interrupts off",
		    spin.rank);
	check_rank(spin.rank);
	spin.mutex.lock();
	note_held({ lock, spin.rank, kind, flags });
}

void drop_spin(struct tbk_spinlock *lock, LockKind kind, unsigned long flags)
{
	Spin &spin = real<Spin>(lock);

	note_released({ lock, spin.rank, kind, flags });
	spin.mutex.unlock();
}

} // namespace

void tbk_spin_init(struct tbk_spinlock *lock, enum tbk_lock_rank rank)
{
	set_up<Spin>(lock).rank = rank;
}

void tbk_spin_lock(struct tbk_spinlock *lock)
{
	take_spin(lock, LockKind::spin, 0);
}

void tbk_spin_unlock(struct tbk_spinlock *lock)
{
	drop_spin(lock, LockKind::spin, 0);
}

unsigned long tbk_spin_lock_irq(struct tbk_spinlock *lock)
{
	/* As different at each depth as the kernel's are. */
	const unsigned long flags = 0x200 + current_context().irqs_off;

	take_spin(lock, LockKind::irq, flags);
	return flags;
}

void tbk_spin_unlock_irq(struct tbk_spinlock *lock, unsigned long flags)
{
	drop_spin(lock, LockKind::irq, flags);
}

void tbk_spin_assert_held(const struct tbk_spinlock *lock)
{
	if (!is_held(lock))
		die("does not hold a spinlock of rank %d as it should", real<Spin>(lock).rank);
}

void tbk_mutex_init(struct tbk_mutex *mutex, enum tbk_lock_rank rank)
{
	set_up<Sleeping>(mutex).rank = rank;
}

void tbk_mutex_destroy(struct tbk_mutex *mutex)
{
	Sleeping &gone = real<Sleeping>(mutex);

	gone.magic = 0;
	gone.mutex.~mutex();
}

void tbk_mutex_lock(struct tbk_mutex *mutex)
{
	Sleeping &wanted = real<Sleeping>(mutex);

	might_sleep("a mutex");
	check_rank(wanted.rank);
	wanted.mutex.lock();
	note_held({ mutex, wanted.rank, LockKind::mutex, 0 });
}

int tbk_mutex_trylock(struct tbk_mutex *mutex)
{
	Sleeping &wanted = real<Sleeping>(mutex);

	might_sleep("a mutex");
	if (is_held(mutex) || !wanted.mutex.try_lock())
		return 0;
	note_held({ mutex, wanted.rank, LockKind::mutex, 0 });
	return 1;
}

void tbk_mutex_unlock(struct tbk_mutex *mutex)
{
	Sleeping &held = real<Sleeping>(mutex);

	note_released({ mutex, held.rank, LockKind::mutex, 0 });
	held.mutex.unlock();
}

void tbk_mutex_assert_held(const struct tbk_mutex *mutex)
{
	if (!is_held(mutex))
		die("does not hold a mutex of rank %d as it should", real<Sleeping>(mutex).rank);
}
