// SPDX-License-Identifier: GPL-2.0
/* Dom0's own devices: one gendisk for each volume, found by path, never scanned for partitions. */
#include <linux/blk-mq.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "disk_io.h"

/* An own major keeps LVM and udev's rules from looking into guests' disks. */
static int tbk_disk_major;
static DEFINE_IDA(tbk_disk_minors);

/* The module stays until the last disk's memory is gone. */
static atomic_t tbk_disk_count;
static DECLARE_WAIT_QUEUE_HEAD(tbk_disk_gone);

/* The first opens the volume. Context: under the disk's open_mutex. */
static int tbk_disk_open(TBK_DISK_OPEN_ARGS)
{
	struct tbk_disk *disk = (TBK_DISK_OPENED)->private_data;
	int err = 0;

	if (disk->read_only && (mode & TBK_OPEN_WRITE))
		return -EROFS;
	mutex_lock(&disk->lock);
	if (disk->held)
		err = -ENXIO;
	else if (!disk->openers)
		err = tbk_disk_open_volume(disk, disk->read_only, &disk->opened, NULL);
	if (!err)
		WRITE_ONCE(disk->openers, disk->openers + 1);
	mutex_unlock(&disk->lock);
	return err;
}

/*
 * The last closes the volume. All bios have ended by now, but the call that
 * submitted one may still be on its way out on another CPU: freezing waits.
 */
static void tbk_disk_close(TBK_DISK_RELEASE_ARGS)
{
	struct tbk_disk *disk = gd->private_data;

	mutex_lock(&disk->lock);
	WRITE_ONCE(disk->openers, disk->openers - 1);
	if (!disk->openers) {
		blk_mq_freeze_queue(gd->queue);
		blk_mq_unfreeze_queue(gd->queue);
		tbk_volume_close(disk->opened);
		disk->opened = NULL;
	}
	mutex_unlock(&disk->lock);
}

/* The path below /dev; the caller frees it. */
static char *tbk_disk_devnode(struct gendisk *gd, umode_t *mode)
{
	struct tbk_disk *disk = gd->private_data;

	if (mode)
		*mode = 0660;
	return kasprintf(GFP_KERNEL, "thinback/%s", disk->name);
}

static void tbk_disk_free(struct tbk_disk *disk)
{
	ida_free(&tbk_disk_minors, disk->minor);
	bioset_exit(&disk->bios);
	mutex_destroy(&disk->lock);
	kfree(disk);
	if (atomic_dec_and_test(&tbk_disk_count))
		wake_up_all(&tbk_disk_gone);
}

static void tbk_disk_free_gendisk(struct gendisk *gd)
{
	tbk_disk_free(gd->private_data);
}

static const struct block_device_operations tbk_disk_fops = {
	.owner = THIS_MODULE,
	.submit_bio = tbk_disk_submit_bio,
	.open = tbk_disk_open,
	.release = tbk_disk_close,
	.devnode = tbk_disk_devnode,
	.free_disk = tbk_disk_free_gendisk,
};

struct tbk_disk *tbk_disk_from_bdev(struct block_device *bdev)
{
	struct gendisk *gd = bdev->bd_disk;

	return gd->fops == &tbk_disk_fops ? gd->private_data : NULL;
}

const char *tbk_disk_name(const struct tbk_disk *disk)
{
	return disk->name;
}

dev_t tbk_disk_devt(const struct tbk_disk *disk)
{
	return MKDEV(tbk_disk_major, disk->minor);
}

int tbk_disk_open_volume(struct tbk_disk *disk, bool read_only, struct tbk_volume **out,
			 struct tbk_why *why)
{
	u32 flags = read_only || disk->read_only ? TBK_OPEN_READ_ONLY : 0;

	return tbk_volume_open(disk->pool, disk->volume, disk->snapshot, flags, out, why);
}

static struct tbk_disk *tbk_disk_alloc(const struct tbk_disk_plan *plan)
{
	struct tbk_disk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);

	if (!disk)
		return ERR_PTR(-ENOMEM);
	disk->minor = ida_alloc_max(&tbk_disk_minors, MINORMASK, GFP_KERNEL);
	if (disk->minor < 0)
		goto free;
	if (bioset_init(&disk->bios, BIO_POOL_SIZE, TBK_DISK_IO_PAD, 0))
		goto free_minor;
	atomic_inc(&tbk_disk_count);
	mutex_init(&disk->lock);
	spin_lock_init(&disk->guests_lock);
	INIT_LIST_HEAD(&disk->guests);
	disk->pool = plan->pool;
	disk->read_only = plan->read_only;
	strscpy(disk->volume, plan->volume, sizeof(disk->volume));
	strscpy(disk->snapshot, plan->snapshot, sizeof(disk->snapshot));
	snprintf(disk->name, sizeof(disk->name), "%s/%s%s%s", plan->pool_name, plan->volume,
		 plan->snapshot[0] ? "@" : "", plan->snapshot);
	return disk;
free_minor:
	ida_free(&tbk_disk_minors, disk->minor);
free:
	kfree(disk);
	return ERR_PTR(-ENOMEM);
}

static struct gendisk *tbk_disk_gendisk(struct tbk_disk *disk, const struct tbk_disk_plan *plan)
{
	const struct tbk_limits limits = {
		.logical_block = plan->sector,
		.physical_block = TBK_BLOCK,
		.discard_granularity = TBK_BLOCK,
		.dma_alignment =
			max_t(unsigned int, plan->sector - 1, bdev_dma_alignment(plan->lower)),
		.rotational = !bdev_nonrot(plan->lower),
		.stable_writes = bdev_stable_writes(plan->lower),
	};
	struct gendisk *gd = tbk_alloc_disk(&limits);

	if (IS_ERR(gd))
		return gd;
	gd->major = tbk_disk_major;
	gd->first_minor = disk->minor;
	gd->minors = 1;
	gd->flags |= GENHD_FL_NO_PART;
	gd->fops = &tbk_disk_fops;
	gd->private_data = disk;
	snprintf(gd->disk_name, sizeof(gd->disk_name), "thinback%d", disk->minor);
	set_capacity(gd, plan->bytes >> SECTOR_SHIFT);
	set_disk_ro(gd, plan->read_only);
	return gd;
}

struct tbk_disk *tbk_disk_add(const struct tbk_disk_plan *plan)
{
	struct tbk_disk *disk = tbk_disk_alloc(plan);
	int err;

	if (IS_ERR(disk))
		return disk;
	disk->gd = tbk_disk_gendisk(disk, plan);
	if (IS_ERR(disk->gd)) {
		err = PTR_ERR(disk->gd);
		goto free;
	}
	err = device_add_disk(NULL, disk->gd, NULL);
	if (err)
		goto put;
	return disk;
put:
	put_disk(disk->gd); /* which calls free_disk only for disks that were added */
free:
	tbk_disk_free(disk);
	return ERR_PTR(err);
}

int tbk_disk_hold(struct tbk_disk *disk)
{
	int err = 0;

	mutex_lock(&disk->lock);
	if (disk->openers || disk->held)
		err = -EBUSY;
	else
		disk->held = true;
	mutex_unlock(&disk->lock);
	return err;
}

void tbk_disk_unhold(struct tbk_disk *disk)
{
	mutex_lock(&disk->lock);
	disk->held = false;
	mutex_unlock(&disk->lock);
}

void tbk_disk_remove(struct tbk_disk *disk)
{
	struct gendisk *gd = disk->gd;

	del_gendisk(gd);
	put_disk(gd);
}

int tbk_disks_init(void)
{
	tbk_disk_major = register_blkdev(0, "thinback");
	return tbk_disk_major < 0 ? tbk_disk_major : 0;
}

void tbk_disks_exit(void)
{
	wait_event(tbk_disk_gone, !atomic_read(&tbk_disk_count));
	unregister_blkdev(tbk_disk_major, "thinback");
	ida_destroy(&tbk_disk_minors);
}

void tbk_disk_resize(struct tbk_disk *disk, u64 bytes)
{
	set_capacity_and_notify(disk->gd, bytes >> SECTOR_SHIFT);
	tbk_disk_resized(disk);
}
