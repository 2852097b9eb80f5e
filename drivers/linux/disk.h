/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dom0's own device for a volume or a snapshot: /dev/thinback/POOL/VOLUME[@SNAP].
 *
 * The node's volume is open in the core while somebody has the node open, so
 * that "in use" means the same to the core, to dom0 and to guests. A guest's
 * backend opens the node too (exclusively, which keeps dom0 from mounting it),
 * then joins the volume directly and leaves the bio layer out.
 */
#ifndef TBK_LINUX_DISK_H
#define TBK_LINUX_DISK_H

#include <linux/list.h>
#include <linux/types.h>

#include <thinback/entry.h>

struct block_device;
struct tbk_disk;

/* "POOL/VOLUME@SNAPSHOT" and its end. */
#define TBK_FULL_NAME_SIZE (3 * (TBK_NAME_MAX + 1))

/* ---- for backends ---- */

/* A guest that has the disk; lies in the backend's own object. */
struct tbk_disk_guest {
	struct list_head list; /* the disk's, from add to drop */
	int domid;
	char vdev[20]; /* as "xvda" */
	/* The disk is of another size now. Atomic context. */
	void (*resized)(struct tbk_disk_guest *guest);
};

/* The disk behind @bdev, or NULL if it is none of ours. Valid while @bdev is open. */
struct tbk_disk *tbk_disk_from_bdev(struct block_device *bdev);

/* "POOL/VOLUME" or "POOL/VOLUME@SNAP", for messages. */
const char *tbk_disk_name(const struct tbk_disk *disk);

/*
 * Open the disk's volume for requests that go round the block layer; closed
 * with tbk_volume_close() before the node is. Process context, may sleep.
 */
int tbk_disk_open_volume(struct tbk_disk *disk, bool read_only, struct tbk_volume **out,
			 struct tbk_why *why);

/* Say who has it, for messages and lists; the caller has the node open. Any context. */
void tbk_disk_add_guest(struct tbk_disk *disk, struct tbk_disk_guest *guest);
void tbk_disk_drop_guest(struct tbk_disk *disk, struct tbk_disk_guest *guest);

/* ---- for pools ---- */

/* What a disk is to show; names are copied. */
struct tbk_disk_plan {
	struct tbk_pool *pool; /* borrowed until tbk_disk_remove() */
	struct block_device *lower;
	const char *pool_name;
	const char *volume;
	const char *snapshot; /* "" for the volume itself */
	u64 bytes;
	unsigned int sector; /* bytes */
	bool read_only;
};

/* Who has a disk, at one moment. */
struct tbk_disk_use {
	unsigned int openers; /* the guests' own included */
	int domid;	      /* of the first guest, -1 without */
	char vdev[20];
};

int tbk_disks_init(void);
void tbk_disks_exit(void);

/* Make the disk; its node is there on return. Process context. */
struct tbk_disk *tbk_disk_add(const struct tbk_disk_plan *plan);

/* Let nobody open it any more: -EBUSY if it is open. Undone by tbk_disk_unhold(). */
int tbk_disk_hold(struct tbk_disk *disk);
void tbk_disk_unhold(struct tbk_disk *disk);

/* Take a held disk away. @disk is gone afterwards. Process context. */
void tbk_disk_remove(struct tbk_disk *disk);

/* The volume is of another size now. */
void tbk_disk_resize(struct tbk_disk *disk, u64 bytes);

void tbk_disk_use(struct tbk_disk *disk, struct tbk_disk_use *use);
dev_t tbk_disk_devt(const struct tbk_disk *disk);

#endif /* TBK_LINUX_DISK_H */
