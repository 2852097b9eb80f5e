// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/rcupdate.h>

#include <thinback/platform.h>

static_assert(sizeof(struct tbk_rcu) >= sizeof(struct rcu_head));
static_assert(__alignof__(struct tbk_rcu) >= __alignof__(struct rcu_head));

void tbk_rcu_read_lock(void)
{
	rcu_read_lock();
}

void tbk_rcu_read_unlock(void)
{
	rcu_read_unlock();
}

/* The same function but for the name of what it is given: no room for one in between. */
void tbk_rcu_call(struct tbk_rcu *rcu, void (*free)(struct tbk_rcu *rcu))
{
	call_rcu((struct rcu_head *)rcu, (rcu_callback_t)free);
}

void tbk_rcu_barrier(void)
{
	rcu_barrier();
}
