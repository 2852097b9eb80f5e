/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's disk, as the files of this folder share it. */
#ifndef TBK_LINUX_XEN_VBD_H
#define TBK_LINUX_XEN_VBD_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include <thinback/xen_entry.h>

#include "../disk.h"

/* Bits of struct tbk_xen, @flags. */
enum {
	TBK_XEN_MOVED,	  /* the frontend has written its state */
	TBK_XEN_REFUSED,  /* the device behind could not be opened; its key has not changed since */
	TBK_XEN_WARNED,	  /* that it is another now than the one that is open */
	TBK_XEN_DEPARTED, /* the core is done: unregister once Closed is there */
	TBK_XEN_LEAVING,  /* remove() was called */
	TBK_XEN_ORPHAN,	  /* nobody waits in remove(): the work frees all */
	TBK_XEN_LOGGING,  /* a thread writes what the disk has done to the log */
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
	struct timer_list alarm; /* queues it */
	spinlock_t lock;	 /* LEAVING is set and the work queued as one; the list of rings */
	struct list_head rings;
	unsigned long flags;
	struct completion gone;
	struct ratelimit_state complaints;

	/* Of the work alone, but for sysfs: where the frontend is, what is behind. */
	unsigned int frontend_state;
	struct tbk_device *device;
	struct tbk_volume *volume; /* of the same, if it is one of our disks */
	struct tbk_disk_guest guest;
	struct list_head measured; /* capacity.c's, while a device that is no volume is open */
	u64 capacity;		   /* the same's: bytes, when it last looked */
	dev_t number;
	char mode[8];

	int io_priority; /* IOPRIO_PRIO_VALUE(), set through sysfs */

	/* Under TBK_XEN_LOGGING. */
	struct tbk_vbd_stats logged;
	unsigned long log_next; /* jiffies */
};

extern struct workqueue_struct *tbk_xen_queue;
extern struct tbk_guests *tbk_xen_guests;
extern const struct attribute_group *tbk_xen_groups[];

/* "none", "idle", "best-effort:0" to ":7", "realtime:0" to ":7"; -EINVAL for anything else. */
int tbk_xen_parse_priority(const char *text, int *priority);
ssize_t tbk_xen_show_priority(int priority, char *page);

/* Dom0 is short of memory: have all rings give back what they do not use, soon. Any context. */
void tbk_xen_squeeze(struct tbk_xen *xen);
/* For how long; 0: not at all. */
unsigned int tbk_xen_squeeze_ms(void);

/* Say what the disk did, if that is wanted and its time has come. A ring's thread. */
void tbk_xen_log_stats(struct tbk_xen *xen);

/* The state in @dir, which stays as it is if it cannot be read just now; Unknown if there is none. */
void tbk_xen_read_state(const char *dir, unsigned int *state);

/* The work and what may queue it; once, before anything of the disk is watched. */
void tbk_xen_work_init(struct tbk_xen *xen);
/*
 * Nothing is watched any more: have the work give up what the disk holds. An
 * orphan is freed by the work, and may be gone; for others tbk_xen_end() is to
 * follow, which waits until nothing is held, and frees.
 */
void tbk_xen_leave(struct tbk_xen *xen);
void tbk_xen_end(struct tbk_xen *xen);

/* Open what physical-device names, once it does. May take long. */
void tbk_xen_open_target(struct tbk_xen *xen);

/* Between these tbk_xen_advance() comes within a second of the device's changing its size. */
void tbk_xen_capacity_watch(struct tbk_xen *xen);
void tbk_xen_capacity_unwatch(struct tbk_xen *xen);
/* With nothing watched any more. */
void tbk_xen_capacity_exit(void);

#endif /* TBK_LINUX_XEN_VBD_H */
