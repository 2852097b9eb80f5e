// SPDX-License-Identifier: GPL-2.0
/* Guests' disks on the bus of backends: they come and go, and xenbus tells of them. */

#include <linux/module.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "../compat.h"
#include "vbd.h"
#include "xen.h"

struct workqueue_struct *tbk_xen_queue;
struct tbk_guests *tbk_xen_guests;

/* ---- what xenbus tells us, in its one thread: hand it on ---- */

/* That thread, once it has called us: it is never another. */
static struct task_struct *tbk_xen_watcher;

static void tbk_xen_frontend_changed(struct xenbus_device *dev, enum xenbus_state state)
{
	struct tbk_xen *xen = dev_get_drvdata(&dev->dev);

	WRITE_ONCE(tbk_xen_watcher, current);
	set_bit(TBK_XEN_MOVED, &xen->flags);
	queue_work(tbk_xen_queue, &xen->work);
}

static void tbk_xen_device_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct tbk_xen *xen = container_of(watch, struct tbk_xen, device_watch);

	clear_bit(TBK_XEN_REFUSED, &xen->flags);
	clear_bit(TBK_XEN_WARNED, &xen->flags);
	queue_work(tbk_xen_queue, &xen->work);
}

/*
 * Our own state: the toolstack writes it to have us close. And only here, in
 * this thread, can a device take itself away: elsewhere it would race with the
 * bus doing the same.
 */
static void tbk_xen_state_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct tbk_xen *xen = container_of(watch, struct tbk_xen, state_watch);
	struct xenbus_device *dev = xen->dev;
	unsigned int own = XenbusStateUnknown;

	WRITE_ONCE(tbk_xen_watcher, current);
	tbk_xen_read_state(dev->nodename, &own);
	if (own == XenbusStateClosed && test_bit(TBK_XEN_DEPARTED, &xen->flags))
		device_unregister(&dev->dev); /* frees @xen */
	else
		queue_work(tbk_xen_queue, &xen->work);
}

/* ---- coming and going ---- */

static void tbk_xen_unwatch(struct xenbus_watch *watch)
{
	if (!watch->node)
		return;
	unregister_xenbus_watch(watch);
	kfree(watch->node);
	watch->node = NULL;
}

static bool tbk_xen_may_connect(unsigned int frontend)
{
	return frontend == XenbusStateInitialised || frontend == XenbusStateConnected;
}

/* What there is of a driver before us: our own state says that there was one. */
static void tbk_xen_read_heritage(const struct xenbus_device *dev,
				  struct tbk_vbd_heritage *heritage)
{
	unsigned int own = XenbusStateUnknown;
	unsigned int frontend = XenbusStateUnknown;

	tbk_xen_read_state(dev->nodename, &own);
	tbk_xen_read_state(dev->otherend, &frontend);
	heritage->connected = (own == XenbusStateInitWait || own == XenbusStateConnected) &&
			      tbk_xen_may_connect(frontend);
	heritage->persistent = xenbus_read_unsigned(dev->nodename, "feature-persistent", 0);
}

static struct tbk_xen *tbk_xen_alloc(struct xenbus_device *dev)
{
	struct tbk_vbd_heritage heritage;
	struct tbk_xen *xen = kzalloc(sizeof(*xen), GFP_KERNEL);

	if (!xen)
		return NULL;
	tbk_xen_read_heritage(dev, &heritage);
	xen->frontend = kstrdup(dev->otherend, GFP_KERNEL);
	xen->vbd = tbk_vbd_create(xen, tbk_xen_guests, dev->otherend_id, &heritage);
	if (!xen->frontend || !xen->vbd) {
		if (xen->vbd)
			tbk_vbd_destroy(xen->vbd);
		kfree(xen->frontend);
		kfree(xen);
		return NULL;
	}
	xen->dev = dev;
	get_device(&dev->dev);
	tbk_xen_work_init(xen);
	INIT_LIST_HEAD(&xen->measured);
	spin_lock_init(&xen->lock);
	INIT_LIST_HEAD(&xen->rings);
	xen->log_next = jiffies;
	/* Until it can be read. */
	xen->frontend_state = heritage.connected ? XenbusStateConnected : XenbusStateInitialising;
	ratelimit_state_init(&xen->complaints, 5 * HZ, 10);
	return xen;
}

static int tbk_xen_probe(struct xenbus_device *dev, const struct xenbus_device_id *id)
{
	struct tbk_xen *xen = tbk_xen_alloc(dev);
	bool is_heir;
	int err;

	if (!xen)
		return -ENOMEM;
	is_heir = tbk_vbd_is_heir(xen->vbd);
	dev_set_drvdata(&dev->dev, xen);

	/* Both keys are the toolstack's: a guest cannot flood us with changes. */
	err = xenbus_watch_pathfmt(dev, &xen->device_watch, NULL, tbk_xen_device_changed,
				   "%s/physical-device", dev->nodename);
	if (!err)
		err = xenbus_watch_pathfmt(dev, &xen->state_watch, NULL, tbk_xen_state_changed,
					   "%s/state", dev->nodename);
	if (!err) {
		queue_work(tbk_xen_queue, &xen->work);
		/* Whoever moves a disk here must not take the state that another driver left for ours. */
		if (is_heir)
			flush_work(&xen->work);
		return 0;
	}

	tbk_xen_unwatch(&xen->device_watch);
	dev_set_drvdata(&dev->dev, NULL);
	/* The first watch may have had the device opened, and the guest connected. */
	tbk_xen_leave(xen);
	tbk_xen_end(xen);
	return err;
}

static void tbk_xen_remove(struct xenbus_device *dev)
{
	struct tbk_xen *xen = dev_get_drvdata(&dev->dev);
	/*
	 * In xenbus' thread the device itself goes, and no other driver can come
	 * after us: nobody waits, least of all for requests in flight, which a
	 * device that hangs may have for ever. Else, at an unbind, nothing may be
	 * in flight once another driver answers on the same ring.
	 */
	bool is_orphan = current == READ_ONCE(tbk_xen_watcher) ||
			 !xenbus_exists(XBT_NIL, dev->nodename, "state");

	tbk_xen_unwatch(&xen->device_watch);
	tbk_xen_unwatch(&xen->state_watch);
	dev_set_drvdata(&dev->dev, NULL);

	if (is_orphan) {
		__module_get(THIS_MODULE);
		set_bit(TBK_XEN_ORPHAN, &xen->flags);
	}
	tbk_xen_leave(xen);
	/* @xen may be gone. */
	if (!is_orphan)
		tbk_xen_end(xen);
}

#ifdef TBK_HAVE_XENBUS_REMOVE_VOID
#define tbk_xen_driver_remove tbk_xen_remove
#else
static int tbk_xen_driver_remove(struct xenbus_device *dev)
{
	tbk_xen_remove(dev);
	return 0;
}
#endif

/* The bus keeps the device, and probe() and remove() out; it may be called by whoever allocates. */
static void tbk_xen_reclaim_memory(struct xenbus_device *dev)
{
	struct tbk_xen *xen = dev_get_drvdata(&dev->dev);

	if (xen)
		tbk_xen_squeeze(xen);
}

static const struct xenbus_device_id tbk_xen_ids[] = {
	{ "vbd" },
	{ "" },
};

static struct xenbus_driver tbk_xen_driver = {
	/* Not "vbd": that is xen-blkback's, and both may be there to hand disks over. */
	.name = "thinback",
	.ids = tbk_xen_ids,
	.driver.dev_groups = tbk_xen_groups,
	.allow_rebind = true,
	.probe = tbk_xen_probe,
	.remove = tbk_xen_driver_remove,
	.otherend_changed = tbk_xen_frontend_changed,
	.reclaim_memory = tbk_xen_reclaim_memory,
};

int tbk_xen_init(void)
{
	int err;

	if (!xen_domain())
		return 0;
	tbk_xen_guests = tbk_guests_create();
	if (!tbk_xen_guests)
		return -ENOMEM;
	err = -ENOMEM;
	tbk_xen_queue = alloc_workqueue("thinback-xen", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!tbk_xen_queue)
		goto guests;
	err = xenbus_register_backend(&tbk_xen_driver);
	if (err)
		goto queue;
	return 0;
queue:
	destroy_workqueue(tbk_xen_queue);
guests:
	tbk_guests_destroy(tbk_xen_guests);
	return err;
}

void tbk_xen_exit(void)
{
	if (!xen_domain())
		return;
	xenbus_unregister_driver(&tbk_xen_driver);
	tbk_xen_capacity_exit();
	destroy_workqueue(tbk_xen_queue);
	tbk_guests_destroy(tbk_xen_guests);
}

MODULE_ALIAS("xen-backend:vbd");
