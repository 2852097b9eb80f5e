/* SPDX-License-Identifier: GPL-2.0 */
/* A disk from the inside: shared by the disk_*.c files and disk.c alone. */
#ifndef TBK_LINUX_DISK_IO_H
#define TBK_LINUX_DISK_IO_H

#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "disk.h"
#include "platform/payload.h"

/* Owned by its gendisk; freed when the last reference to that is dropped. */
struct tbk_disk {
	struct gendisk *gd;
	struct tbk_pool *pool;
	int minor;
	bool read_only;
	char volume[TBK_NAME_MAX + 1];
	char snapshot[TBK_NAME_MAX + 1];
	char name[TBK_FULL_NAME_SIZE];

	/*
	 * One clone is taken for each bio, and nothing waits in between: no two
	 * disks share one, since a pool may lie on another pool's volume.
	 */
	struct bio_set bios;

	struct mutex lock; /* openers, held, opened; inside open_mutex */
	unsigned int openers;
	bool held;		   /* about to go: nobody may open it */
	struct tbk_volume *opened; /* while openers */

	spinlock_t guests_lock;	 /* guests; any context */
	struct list_head guests; /* struct tbk_disk_guest */
};

/* One bio on its way: what lies in front of its clone. */
struct tbk_disk_io {
	struct bio *origin;
	unsigned long start; /* jiffies, 0 when not counted */
	struct tbk_request request;
	struct tbk_payload_bio payload; /* last */
};

#define TBK_DISK_IO_PAD offsetof(struct tbk_disk_io, payload.bio)

void tbk_disk_submit_bio(struct bio *origin);

/* Tell the guests. */
void tbk_disk_resized(struct tbk_disk *disk);

#endif /* TBK_LINUX_DISK_IO_H */
