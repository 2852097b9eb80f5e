// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include <thinback/platform.h>

static_assert(sizeof(struct tbk_spinlock) >= sizeof(spinlock_t));
static_assert(sizeof(struct tbk_mutex) >= sizeof(struct mutex));
static_assert(__alignof__(struct tbk_spinlock) >= __alignof__(spinlock_t));
static_assert(__alignof__(struct tbk_mutex) >= __alignof__(struct mutex));

/* One class a rank: the inits below would make all of ours one class. */
static struct lock_class_key tbk_lock_keys[TBK_RANK_COUNT] __maybe_unused;
static const char *const tbk_lock_names[TBK_RANK_COUNT] __maybe_unused = {
	[TBK_RANK_GUESTS] = "tbk_guests",
	[TBK_RANK_RECLAIM] = "tbk_reclaim",
	[TBK_RANK_CATALOG] = "tbk_catalog",
	[TBK_RANK_VOLUME] = "tbk_volume",
	[TBK_RANK_TREE] = "tbk_tree",
	[TBK_RANK_SPACE] = "tbk_space",
	[TBK_RANK_GROUP] = "tbk_group",
	[TBK_RANK_RANGE] = "tbk_range",
	[TBK_RANK_RECORDS] = "tbk_records",
	[TBK_RANK_NODE_ORDER] = "tbk_node_order",
	[TBK_RANK_NODE_CACHE] = "tbk_node_cache",
	[TBK_RANK_DIRTY] = "tbk_dirty",
	[TBK_RANK_RING] = "tbk_ring",
	[TBK_RANK_WORK] = "tbk_work",
};

static spinlock_t *real_spin(struct tbk_spinlock *lock)
{
	return (spinlock_t *)lock;
}

static struct mutex *real_mutex(struct tbk_mutex *mutex)
{
	return (struct mutex *)mutex;
}

void tbk_spin_init(struct tbk_spinlock *lock, enum tbk_lock_rank rank)
{
	spin_lock_init(real_spin(lock));
	lockdep_set_class_and_name(real_spin(lock), &tbk_lock_keys[rank], tbk_lock_names[rank]);
}

void tbk_spin_lock(struct tbk_spinlock *lock)
{
	spin_lock(real_spin(lock));
}

void tbk_spin_unlock(struct tbk_spinlock *lock)
{
	spin_unlock(real_spin(lock));
}

unsigned long tbk_spin_lock_irq(struct tbk_spinlock *lock)
{
	unsigned long flags;

	spin_lock_irqsave(real_spin(lock), flags);
	return flags;
}

void tbk_spin_unlock_irq(struct tbk_spinlock *lock, unsigned long flags)
{
	spin_unlock_irqrestore(real_spin(lock), flags);
}

void tbk_spin_assert_held(const struct tbk_spinlock *lock)
{
	lockdep_assert_held((const spinlock_t *)lock);
}

void tbk_mutex_init(struct tbk_mutex *mutex, enum tbk_lock_rank rank)
{
	mutex_init(real_mutex(mutex));
	lockdep_set_class_and_name(real_mutex(mutex), &tbk_lock_keys[rank], tbk_lock_names[rank]);
}

void tbk_mutex_destroy(struct tbk_mutex *mutex)
{
	mutex_destroy(real_mutex(mutex));
}

void tbk_mutex_lock(struct tbk_mutex *mutex)
{
	mutex_lock(real_mutex(mutex));
}

int tbk_mutex_trylock(struct tbk_mutex *mutex)
{
	return mutex_trylock(real_mutex(mutex));
}

void tbk_mutex_unlock(struct tbk_mutex *mutex)
{
	mutex_unlock(real_mutex(mutex));
}

void tbk_mutex_assert_held(const struct tbk_mutex *mutex)
{
	lockdep_assert_held((const struct mutex *)mutex);
}
