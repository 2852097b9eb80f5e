// SPDX-License-Identifier: GPL-2.0
/* Guests' disks on the bus of backends: probe, remove, and what xenstore says. */
#define pr_fmt(fmt) "xen-thinback: " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "../compat.h"
#include "vbd.h"
#include "xen.h"

struct workqueue_struct *tbk_xen_queue;

/* ---- what the core asks of xenstore ---- */

int tbk_xen_read(struct tbk_xen *xen, const char *key, char *value, size_t size)
{
	char *text = xenbus_read(XBT_NIL, xen->frontend, key, NULL);

	if (IS_ERR(text))
		return -ENOENT;
	strscpy(value, text, size);
	kfree(text);
	return 0;
}

static int tbk_xen_publish_once(struct tbk_xen *xen, const struct tbk_xen_key *keys, size_t count)
{
	struct xenbus_transaction xbt;
	size_t i;
	int err = xenbus_transaction_start(&xbt);

	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		err = xenbus_printf(xbt, xen->dev->nodename, keys[i].name, "%llu", keys[i].value);
	if (err) {
		xenbus_transaction_end(xbt, 1);
		return err;
	}
	return xenbus_transaction_end(xbt, 0);
}

int tbk_xen_publish(struct tbk_xen *xen, const struct tbk_xen_key *keys, size_t count)
{
	int err;

	/* A key that is written must not bring a directory back that was removed. */
	if (!xenbus_exists(XBT_NIL, xen->dev->nodename, "state"))
		return -ENOENT;
	do {
		err = tbk_xen_publish_once(xen, keys, count);
	} while (err == -EAGAIN);
	return err;
}

void tbk_xen_switch_state(struct tbk_xen *xen, tbk_u32 state)
{
	/* The toolstack writes our state too: what the bus remembers of it does not count. */
	xen->dev->state = XenbusStateUnknown;
	xenbus_switch_state(xen->dev, state);
}

void tbk_xen_fatal(struct tbk_xen *xen, int error, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (__ratelimit(&xen->complaints))
		xenbus_dev_error(xen->dev, error, "%s", text);
	tbk_xen_switch_state(xen, XenbusStateClosing);
}

void tbk_xen_depart(struct tbk_xen *xen)
{
	set_bit(TBK_XEN_DEPARTED, &xen->flags);
}

void tbk_xen_advance(struct tbk_xen *xen)
{
	queue_work(tbk_xen_queue, &xen->work);
}

/* ---- the work ---- */

/* A key that cannot be read just now says nothing: least of all that it is gone. */
static void tbk_xen_read_state(const char *dir, unsigned int *state)
{
	unsigned int read;
	int err = xenbus_scanf(XBT_NIL, dir, "state", "%u", &read);

	if (err == 1)
		*state = read;
	else if (XENBUS_EXIST_ERR(err))
		*state = XenbusStateUnknown;
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
	cancel_work(&xen->work);
	tbk_xen_free(xen);
	/* The queue is emptied before the module goes. */
	module_put(THIS_MODULE);
}

/* ---- what xenbus tells us, in its one thread: hand it on ---- */

static void tbk_xen_frontend_changed(struct xenbus_device *dev, enum xenbus_state state)
{
	struct tbk_xen *xen = dev_get_drvdata(&dev->dev);

	set_bit(TBK_XEN_MOVED, &xen->flags);
	queue_work(tbk_xen_queue, &xen->work);
}

static void tbk_xen_device_changed(struct xenbus_watch *watch, const char *path, const char *token)
{
	struct tbk_xen *xen = container_of(watch, struct tbk_xen, device_watch);

	clear_bit(TBK_XEN_REFUSED, &xen->flags);
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

static struct tbk_xen *tbk_xen_alloc(struct xenbus_device *dev)
{
	struct tbk_xen *xen = kzalloc(sizeof(*xen), GFP_KERNEL);

	if (!xen)
		return NULL;
	xen->frontend = kstrdup(dev->otherend, GFP_KERNEL);
	xen->vbd = tbk_vbd_create(xen);
	if (!xen->frontend || !xen->vbd) {
		if (xen->vbd)
			tbk_vbd_destroy(xen->vbd);
		kfree(xen->frontend);
		kfree(xen);
		return NULL;
	}
	xen->dev = dev;
	get_device(&dev->dev);
	INIT_WORK(&xen->work, tbk_xen_work);
	spin_lock_init(&xen->lock);
	init_completion(&xen->gone);
	xen->frontend_state = XenbusStateInitialising;
	ratelimit_state_init(&xen->complaints, 5 * HZ, 10);
	return xen;
}

static int tbk_xen_probe(struct xenbus_device *dev, const struct xenbus_device_id *id)
{
	struct tbk_xen *xen = tbk_xen_alloc(dev);
	int err;

	if (!xen)
		return -ENOMEM;
	dev_set_drvdata(&dev->dev, xen);

	/* Both keys are the toolstack's: a guest cannot flood us with changes. */
	err = xenbus_watch_pathfmt(dev, &xen->device_watch, NULL, tbk_xen_device_changed,
				   "%s/physical-device", dev->nodename);
	if (!err)
		err = xenbus_watch_pathfmt(dev, &xen->state_watch, NULL, tbk_xen_state_changed,
					   "%s/state", dev->nodename);
	if (!err) {
		queue_work(tbk_xen_queue, &xen->work);
		return 0;
	}

	tbk_xen_unwatch(&xen->device_watch);
	cancel_work_sync(&xen->work);
	dev_set_drvdata(&dev->dev, NULL);
	tbk_xen_free(xen);
	return err;
}

static void tbk_xen_remove(struct xenbus_device *dev)
{
	struct tbk_xen *xen = dev_get_drvdata(&dev->dev);
	/*
	 * Where the directory is gone no other driver can come after us, and
	 * we are in xenbus' thread: do not make it wait. Else, nothing may be
	 * in flight once another driver answers on the same ring.
	 */
	bool is_orphan = !xenbus_exists(XBT_NIL, dev->nodename, "state");

	tbk_xen_unwatch(&xen->device_watch);
	tbk_xen_unwatch(&xen->state_watch);
	dev_set_drvdata(&dev->dev, NULL);

	if (is_orphan) {
		__module_get(THIS_MODULE);
		set_bit(TBK_XEN_ORPHAN, &xen->flags);
	}
	spin_lock(&xen->lock);
	set_bit(TBK_XEN_LEAVING, &xen->flags);
	queue_work(tbk_xen_queue, &xen->work);
	spin_unlock(&xen->lock);
	if (is_orphan)
		return;

	wait_for_completion(&xen->gone);
	cancel_work_sync(&xen->work);
	tbk_xen_free(xen);
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
};

int tbk_xen_init(void)
{
	int err;

	if (!xen_domain())
		return 0;
	tbk_xen_queue = alloc_workqueue("thinback-xen", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!tbk_xen_queue)
		return -ENOMEM;
	err = xenbus_register_backend(&tbk_xen_driver);
	if (err)
		destroy_workqueue(tbk_xen_queue);
	return err;
}

void tbk_xen_exit(void)
{
	if (!xen_domain())
		return;
	xenbus_unregister_driver(&tbk_xen_driver);
	destroy_workqueue(tbk_xen_queue);
}

MODULE_ALIAS("xen-backend:vbd");
