/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TBK_LINUX_XEN_RING_H
#define TBK_LINUX_XEN_RING_H

#include <linux/interrupt.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>

#include "vbd.h"

/* Bits of struct tbk_xen_ring, @flags. */
enum {
	TBK_XEN_RING_EVENT,  /* the guest has sent one, and waits for its end */
	TBK_XEN_RING_CALLED, /* the core has something to go on with */
	TBK_XEN_RING_SHORT,  /* dom0 is short of memory */
};

struct tbk_xen_ring {
	struct tbk_xen *xen;
	struct tbk_ring *core;
	void *shared;
	unsigned int index;
	unsigned int port;
	int irq;
	struct task_struct *thread;
	wait_queue_head_t wait;
	unsigned long flags;
	struct tasklet_struct finish;
	struct delayed_work retry;
	struct timer_list alarm; /* wakes the thread */
	struct delayed_work tidy;
	struct delayed_work squeeze;
	struct list_head list; /* the disk's, from start to close */

	/* Pages without memory of their own, to map the guest's at. */
	struct gnttab_page_cache pages;

	/* The thread's. */
	int io_priority; /* that it has */
	struct gnttab_map_grant_ref map[TBK_GRANT_BATCH];
	struct page *map_pages[TBK_GRANT_BATCH];
	/* Whoever collects completions. */
	struct gnttab_unmap_grant_ref unmap[TBK_GRANT_BATCH];
	struct page *unmap_pages[TBK_GRANT_BATCH];
};

/* Give the calling thread, the ring's, the priority that its disk has. */
void tbk_xen_ring_take_priority(struct tbk_xen_ring *xr);

/* Fill and empty the ring's stock of pages. Process context; may sleep. */
int tbk_xen_pages_get(struct tbk_xen_ring *xr, unsigned int count);
void tbk_xen_pages_put(struct tbk_xen_ring *xr);

#endif /* TBK_LINUX_XEN_RING_H */
