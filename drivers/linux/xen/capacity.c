// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes of the devices behind guests' disks. Who holds a block device is not
 * told that its size has changed, by no kernel so far, nor by Linux 6.1 that it
 * was pulled out, which leaves it without any. So all are looked at once a second, by
 * one timer however many there are, and by none where there are only volumes.
 */
#include <linux/mutex.h>

#include "../platform/device.h"
#include "vbd.h"

#define TBK_XEN_CAPACITY_INTERVAL HZ

static DEFINE_MUTEX(tbk_xen_measured_lock);
static LIST_HEAD(tbk_xen_measured);

static void tbk_xen_capacity_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(tbk_xen_capacity_work, tbk_xen_capacity_look);

static void tbk_xen_capacity_look(struct work_struct *work)
{
	struct tbk_xen *xen;

	mutex_lock(&tbk_xen_measured_lock);
	list_for_each_entry(xen, &tbk_xen_measured, measured) {
		u64 bytes = tbk_bdev_bytes(xen->device);

		if (bytes == xen->capacity)
			continue;
		xen->capacity = bytes;
		tbk_xen_advance(xen);
	}
	if (!list_empty(&tbk_xen_measured))
		queue_delayed_work(tbk_xen_queue, &tbk_xen_capacity_work,
				   TBK_XEN_CAPACITY_INTERVAL);
	mutex_unlock(&tbk_xen_measured_lock);
}

void tbk_xen_capacity_watch(struct tbk_xen *xen)
{
	mutex_lock(&tbk_xen_measured_lock);
	xen->capacity = tbk_bdev_bytes(xen->device);
	list_add_tail(&xen->measured, &tbk_xen_measured);
	queue_delayed_work(tbk_xen_queue, &tbk_xen_capacity_work, TBK_XEN_CAPACITY_INTERVAL);
	mutex_unlock(&tbk_xen_measured_lock);
}

void tbk_xen_capacity_unwatch(struct tbk_xen *xen)
{
	mutex_lock(&tbk_xen_measured_lock);
	list_del_init(&xen->measured);
	mutex_unlock(&tbk_xen_measured_lock);
}

void tbk_xen_capacity_exit(void)
{
	cancel_delayed_work_sync(&tbk_xen_capacity_work);
}
