// SPDX-License-Identifier: GPL-2.0
/* A ring of a guest's disk: its pages, its event channel, its thread. */
#define pr_fmt(fmt) "xen-thinback: " fmt

#include <linux/delay.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <xen/events.h>

#include "ring.h"

static irqreturn_t tbk_xen_ring_event(int irq, void *data)
{
	struct tbk_xen_ring *xr = data;

	/* The next comes only after xen_irq_lateeoi(), so a guest cannot storm us. */
	set_bit(TBK_XEN_RING_EVENT, &xr->flags);
	wake_up(&xr->wait);
	return IRQ_HANDLED;
}

static bool tbk_xen_ring_is_called(struct tbk_xen_ring *xr)
{
	return test_bit(TBK_XEN_RING_EVENT, &xr->flags) ||
	       test_bit(TBK_XEN_RING_CALLED, &xr->flags) || kthread_should_stop();
}

/* Run until the ring is empty. Returns TBK_RUN_* of all that was done. */
static unsigned int tbk_xen_ring_drain(struct tbk_xen_ring *xr)
{
	unsigned int result = 0;
	unsigned int ran;

	do {
		ran = tbk_ring_run(xr->core);
		result |= ran;
		/* Whoever sends rubbish is not served as fast as it can send it. */
		if (ran & TBK_RUN_REFUSED)
			msleep(1);
		cond_resched();
		try_to_freeze();
	} while ((ran & TBK_RUN_MORE) && !(ran & TBK_RUN_DEAD) && !kthread_should_stop());
	return result;
}

static int tbk_xen_ring_thread(void *data)
{
	struct tbk_xen_ring *xr = data;
	unsigned int since = 0; /* the end of the last event */
	bool is_due = false;	/* one that has not ended */

	set_freezable();
	while (!kthread_should_stop()) {
		unsigned int ran;
		bool is_event;

		wait_event_freezable(xr->wait, tbk_xen_ring_is_called(xr));
		is_event = test_and_clear_bit(TBK_XEN_RING_EVENT, &xr->flags);
		if (!test_and_clear_bit(TBK_XEN_RING_CALLED, &xr->flags) && !is_event)
			continue;
		tbk_xen_ring_take_priority(xr);
		ran = tbk_xen_ring_drain(xr);
		tbk_xen_log_stats(xr->xen);
		if (ran & TBK_RUN_DEAD) {
			wait_event_freezable(xr->wait, kthread_should_stop());
			break;
		}
		since |= ran;
		is_due |= is_event;
		/* What waits on the ring was worth the event, and ends it once it is taken. */
		if (!is_due || ran & TBK_RUN_WAITING || kthread_should_stop())
			continue;
		xen_irq_lateeoi(xr->irq, since & TBK_RUN_PROGRESS ? 0 : XEN_EOI_FLAG_SPURIOUS);
		is_due = false;
		since = 0;
	}
	return 0;
}

static void tbk_xen_ring_tasklet(struct tasklet_struct *tasklet)
{
	struct tbk_xen_ring *xr = from_tasklet(xr, tasklet, finish);

	tbk_ring_finish(xr->core);
}

static void tbk_xen_ring_retry(struct work_struct *work)
{
	struct tbk_xen_ring *xr = container_of(to_delayed_work(work), struct tbk_xen_ring, retry);

	tbk_ring_retry(xr->core);
}

static void tbk_xen_ring_tidy(struct work_struct *work)
{
	struct tbk_xen_ring *xr = container_of(to_delayed_work(work), struct tbk_xen_ring, tidy);

	tbk_ring_tidy(xr->core);
}

/* One work for both, so that they never run at once. */
static void tbk_xen_ring_squeeze(struct work_struct *work)
{
	struct tbk_xen_ring *xr = container_of(to_delayed_work(work), struct tbk_xen_ring, squeeze);
	bool is_short = test_and_clear_bit(TBK_XEN_RING_SHORT, &xr->flags);

	if (is_short)
		tbk_ring_squeeze(xr->core);
	if (is_short || tbk_ring_relax(xr->core))
		queue_delayed_work(tbk_xen_queue, &xr->squeeze,
				   msecs_to_jiffies(tbk_xen_squeeze_ms() ?: 1));
}

/* What waits to relax waits anew. */
void tbk_xen_squeeze(struct tbk_xen *xen)
{
	struct tbk_xen_ring *xr;

	if (!tbk_xen_squeeze_ms())
		return;
	spin_lock(&xen->lock);
	list_for_each_entry(xr, &xen->rings, list) {
		set_bit(TBK_XEN_RING_SHORT, &xr->flags);
		mod_delayed_work(tbk_xen_queue, &xr->squeeze, 0);
	}
	spin_unlock(&xen->lock);
}

void tbk_xen_ring_tidy_after(struct tbk_xen_ring *xr, unsigned int ms)
{
	queue_delayed_work(tbk_xen_queue, &xr->tidy, msecs_to_jiffies(ms));
}

void tbk_xen_ring_finish_soon(struct tbk_xen_ring *xr)
{
	if (in_interrupt() || irqs_disabled()) {
		tasklet_schedule(&xr->finish);
		return;
	}
	/* From a process the softirq would wait for ksoftirqd: have it run right here. */
	local_bh_disable();
	tasklet_schedule(&xr->finish);
	local_bh_enable();
}

void tbk_xen_ring_retry_after(struct tbk_xen_ring *xr, unsigned int ms)
{
	queue_delayed_work(tbk_xen_queue, &xr->retry, msecs_to_jiffies(ms));
}

void tbk_xen_ring_wake(struct tbk_xen_ring *xr)
{
	set_bit(TBK_XEN_RING_CALLED, &xr->flags);
	wake_up(&xr->wait);
}

static void tbk_xen_ring_alarm(struct timer_list *timer)
{
	tbk_xen_ring_wake(container_of(timer, struct tbk_xen_ring, alarm));
}

void tbk_xen_ring_wake_after(struct tbk_xen_ring *xr, unsigned int ms)
{
	mod_timer(&xr->alarm, jiffies + msecs_to_jiffies(ms));
}

void tbk_xen_ring_notify(struct tbk_xen_ring *xr)
{
	notify_remote_via_irq(xr->irq);
}

int tbk_xen_ring_open(struct tbk_xen *xen, const struct tbk_xen_ring_plan *plan,
		      struct tbk_xen_ring **out, void **shared)
{
	grant_ref_t grants[XENBUS_MAX_RING_GRANTS];
	struct tbk_xen_ring *xr;
	unsigned int i;
	int err;

	if (plan->pages > ARRAY_SIZE(grants))
		return -EINVAL;
	xr = kvzalloc(sizeof(*xr), GFP_KERNEL);
	if (!xr)
		return -ENOMEM;
	xr->xen = xen;
	xr->core = plan->ring;
	xr->index = plan->index;
	xr->port = plan->event_port;
	init_waitqueue_head(&xr->wait);
	tasklet_setup(&xr->finish, tbk_xen_ring_tasklet);
	INIT_DELAYED_WORK(&xr->retry, tbk_xen_ring_retry);
	timer_setup(&xr->alarm, tbk_xen_ring_alarm, 0);
	INIT_DELAYED_WORK(&xr->tidy, tbk_xen_ring_tidy);
	INIT_DELAYED_WORK(&xr->squeeze, tbk_xen_ring_squeeze);
	INIT_LIST_HEAD(&xr->list);
	gnttab_page_cache_init(&xr->pages);

	/* Xen lets one end of a channel be bound once, and says -EINVAL to a second time. */
	err = bind_interdomain_evtchn_to_irqhandler_lateeoi(xen->dev, xr->port, tbk_xen_ring_event,
							    0, "blkif-backend", xr);
	if (err < 0) {
		kvfree(xr);
		return err == -EINVAL ? -EBUSY : err;
	}
	xr->irq = err;

	err = tbk_xen_pages_get(xr, plan->max_grants);
	for (i = 0; i < plan->pages; i++)
		grants[i] = plan->grants[i];
	if (!err)
		err = xenbus_map_ring_valloc(xen->dev, grants, plan->pages, &xr->shared);
	if (err) {
		unbind_from_irqhandler(xr->irq, xr);
		tbk_xen_pages_put(xr);
		kvfree(xr);
		return err < 0 ? err : -EIO;
	}
	*shared = xr->shared;
	*out = xr;
	return 0;
}

int tbk_xen_ring_start(struct tbk_xen_ring *xr)
{
	struct tbk_xen *xen = xr->xen;
	xr->thread = kthread_run(tbk_xen_ring_thread, xr, "%d.%s-%u", xen->guest.domid,
				 xen->guest.vdev, xr->index);
	if (IS_ERR(xr->thread)) {
		int err = PTR_ERR(xr->thread);

		xr->thread = NULL;
		return err;
	}
	spin_lock(&xen->lock);
	list_add_tail(&xr->list, &xen->rings);
	spin_unlock(&xen->lock);
	return 0;
}

void tbk_xen_ring_stop(struct tbk_xen_ring *xr)
{
	if (xr->thread)
		kthread_stop(xr->thread);
	xr->thread = NULL;
}

void tbk_xen_ring_close(struct tbk_xen_ring *xr)
{
	spin_lock(&xr->xen->lock);
	list_del_init(&xr->list);
	spin_unlock(&xr->xen->lock);
	unbind_from_irqhandler(xr->irq, xr);
	del_timer_sync(&xr->alarm);
	cancel_delayed_work_sync(&xr->retry);
	cancel_delayed_work_sync(&xr->tidy);
	cancel_delayed_work_sync(&xr->squeeze);
	tasklet_kill(&xr->finish);
	xenbus_unmap_ring_vfree(xr->xen->dev, xr->shared);
	tbk_xen_pages_put(xr);
	kvfree(xr);
}
