// SPDX-License-Identifier: GPL-2.0
/* A guest's disk's work: has the core do what can be done now, and is the last to go. */
#include <linux/module.h>
#include <linux/slab.h>

#include "../compat.h"
#include "vbd.h"

void tbk_xen_depart(struct tbk_xen *xen)
{
	set_bit(TBK_XEN_DEPARTED, &xen->flags);
}

void tbk_xen_advance(struct tbk_xen *xen)
{
	queue_work(tbk_xen_queue, &xen->work);
}

static void tbk_xen_alarm(struct timer_list *timer)
{
	tbk_xen_advance(container_of(timer, struct tbk_xen, alarm));
}

void tbk_xen_advance_after(struct tbk_xen *xen, unsigned int ms)
{
	mod_timer(&xen->alarm, jiffies + msecs_to_jiffies(ms));
}

static void tbk_xen_look(struct tbk_xen *xen, struct tbk_vbd_view *view)
{
	const char *node = xen->dev->nodename;
	unsigned int own = XenbusStateUnknown;

	memset(view, 0, sizeof(*view));
	spin_lock(&xen->lock);
	view->leaving = test_bit(TBK_XEN_LEAVING, &xen->flags);
	spin_unlock(&xen->lock);
	if (view->leaving)
		return;

	/* In this order: a move after the state was read is seen next time. */
	view->moved = test_and_clear_bit(TBK_XEN_MOVED, &xen->flags);
	tbk_xen_read_state(xen->frontend, &xen->frontend_state);
	view->frontend = xen->frontend_state;
	view->online = xenbus_read_unsigned(node, "online", 0);
	if (!view->online)
		tbk_xen_read_state(node, &own);
	view->evicted = own == XenbusStateClosing;
}

static void tbk_xen_free(struct tbk_xen *xen)
{
	tbk_vbd_destroy(xen->vbd);
	put_device(&xen->dev->dev);
	kfree(xen->frontend);
	kfree(xen);
}

static void tbk_xen_work(struct work_struct *work)
{
	struct tbk_xen *xen = container_of(work, struct tbk_xen, work);
	struct tbk_vbd_view view;
	int is_empty;

	tbk_xen_look(xen, &view);
	if (!view.leaving && !test_bit(TBK_XEN_DEPARTED, &xen->flags))
		tbk_xen_open_target(xen);
	is_empty = tbk_vbd_advance(xen->vbd, &view);
	if (!view.leaving || !is_empty)
		return;

	if (!test_bit(TBK_XEN_ORPHAN, &xen->flags)) {
		complete(&xen->gone);
		return;
	}
	/* It may have been queued once more just before it saw that this is the end. */
	del_timer_sync(&xen->alarm);
	cancel_work(&xen->work);
	tbk_xen_free(xen);
	/* The queue is emptied before the module goes. */
	module_put(THIS_MODULE);
}

void tbk_xen_work_init(struct tbk_xen *xen)
{
	INIT_WORK(&xen->work, tbk_xen_work);
	timer_setup(&xen->alarm, tbk_xen_alarm, 0);
	init_completion(&xen->gone);
}

/* The work and its alarm may start one another. */
static void tbk_xen_quiesce(struct tbk_xen *xen)
{
	cancel_work_sync(&xen->work);
	del_timer_sync(&xen->alarm);
	cancel_work_sync(&xen->work);
}

void tbk_xen_leave(struct tbk_xen *xen)
{
	spin_lock(&xen->lock);
	set_bit(TBK_XEN_LEAVING, &xen->flags);
	queue_work(tbk_xen_queue, &xen->work);
	spin_unlock(&xen->lock);
}

void tbk_xen_end(struct tbk_xen *xen)
{
	wait_for_completion(&xen->gone);
	tbk_xen_quiesce(xen);
	tbk_xen_free(xen);
}
