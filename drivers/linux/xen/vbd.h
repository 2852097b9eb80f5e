/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's disk, as the files of this folder share it. */
#ifndef TBK_LINUX_XEN_VBD_H
#define TBK_LINUX_XEN_VBD_H

#include <linux/completion.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include <thinback/xen_entry.h>

#include "../disk.h"

/* Bits of struct tbk_xen, @flags. */
enum {
	TBK_XEN_MOVED,	  /* the frontend has written its state */
	TBK_XEN_REFUSED,  /* the device behind could not be opened; its key has not changed since */
	TBK_XEN_DEPARTED, /* the core is done: unregister once Closed is there */
	TBK_XEN_LEAVING,  /* remove() was called */
	TBK_XEN_ORPHAN,	  /* nobody waits in remove(): the work frees all */
};

/*
 * Lives from probe() to remove(), or to the end of the last request if xenbus
 * takes the device away under it. What blocks happens in @work, never in the
 * xenwatch thread, which all backends of all guests share.
 */
struct tbk_xen {
	struct xenbus_device *dev; /* referenced */
	struct tbk_vbd *vbd;
	char *frontend; /* its directory; the bus forgets its own in remove() */
	struct xenbus_watch device_watch;
	struct xenbus_watch state_watch;
	struct work_struct work;
	spinlock_t lock; /* LEAVING is set and the work queued as one */
	unsigned long flags;
	struct completion gone;
	struct ratelimit_state complaints;

	/* Of the work alone, but for sysfs: where the frontend is, what is behind. */
	unsigned int frontend_state;
	struct tbk_device *device;
	struct tbk_volume *volume; /* of the same, if it is one of our disks */
	struct tbk_disk_guest guest;
	dev_t number;
	char mode[8];
};

extern struct workqueue_struct *tbk_xen_queue;
extern const struct attribute_group *tbk_xen_groups[];

/* Open what physical-device names, once it does. May take long. */
void tbk_xen_open_target(struct tbk_xen *xen);

#endif /* TBK_LINUX_XEN_VBD_H */
