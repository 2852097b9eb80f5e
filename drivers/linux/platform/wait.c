// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include <thinback/platform.h>

static_assert(sizeof(struct tbk_wait) >= sizeof(wait_queue_head_t));
static_assert(__alignof__(struct tbk_wait) >= __alignof__(wait_queue_head_t));

static wait_queue_head_t *real(struct tbk_wait *wait)
{
	return (wait_queue_head_t *)wait;
}

void tbk_wait_init(struct tbk_wait *wait)
{
	init_waitqueue_head(real(wait));
}

void tbk_wait_until(struct tbk_wait *wait, int (*holds)(void *context), void *context)
{
	wait_event(*real(wait), holds(context));
}

void tbk_wake(struct tbk_wait *wait)
{
	wake_up_all(real(wait));
}
