// SPDX-License-Identifier: GPL-2.0
/* A kernel block device as the core's: opening it, and what it says of itself. */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "bdev.h"

static struct tbk_bdev *tbk_bdev(struct tbk_device *device)
{
	return container_of(device, struct tbk_bdev, device);
}

/* A partition keeps its own size when the disk goes. */
u64 tbk_bdev_bytes(struct tbk_device *device)
{
	struct block_device *bdev = tbk_bdev(device)->claim.bdev;

	return get_capacity(bdev->bd_disk) ? bdev_nr_bytes(bdev) : 0;
}

static void tbk_bdev_info(struct tbk_device *device, struct tbk_device_info *info)
{
	struct block_device *bdev = tbk_bdev(device)->claim.bdev;

	memset(info, 0, sizeof(*info));
	info->bytes = tbk_bdev_bytes(device);
	info->logical_block = bdev_logical_block_size(bdev);
	info->physical_block = bdev_physical_block_size(bdev);
	info->volatile_cache = bdev_write_cache(bdev);
	if (bdev_max_discard_sectors(bdev)) {
		info->discard_granularity =
			max(bdev_discard_granularity(bdev), info->logical_block);
		info->discard_alignment = max(bdev_discard_alignment(bdev), 0);
	}
	info->read_only = tbk_bdev(device)->read_only || bdev_read_only(bdev);
	info->rotational = !bdev_nonrot(bdev);
	snprintf(info->name, sizeof(info->name), "%pg", bdev);
}

static const struct tbk_device_ops tbk_bdev_ops = {
	.submit = tbk_bdev_submit,
	.info = tbk_bdev_info,
};

static struct tbk_bdev *tbk_bdev_alloc(bool read_only)
{
	struct tbk_bdev *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	b->device.ops = &tbk_bdev_ops;
	b->read_only = read_only;
	/* A request larger than one bio takes several, perhaps inside somebody's submit_bio. */
	if (bioset_init(&b->bios, BIO_POOL_SIZE, 0, BIOSET_NEED_BVECS | BIOSET_NEED_RESCUER)) {
		kfree(b);
		return NULL;
	}
	return b;
}

static void tbk_bdev_free(struct tbk_bdev *b)
{
	bioset_exit(&b->bios);
	kfree(b);
}

/* The kernel lets a read-only device be opened for writing by number. */
static int tbk_bdev_claimed(struct tbk_bdev *b, int err, struct tbk_device **out)
{
	if (!err && !b->read_only && bdev_read_only(b->claim.bdev)) {
		tbk_claim_drop(&b->claim);
		err = -EROFS;
	}
	if (err) {
		tbk_bdev_free(b);
		return err == -EACCES ? -EROFS : err;
	}
	*out = &b->device;
	return 0;
}

int tbk_bdev_open(dev_t dev, bool read_only, void *holder, struct tbk_device **out)
{
	struct tbk_bdev *b = tbk_bdev_alloc(read_only);

	if (!b)
		return -ENOMEM;
	return tbk_bdev_claimed(b, tbk_claim_dev(&b->claim, dev, read_only, holder), out);
}

int tbk_bdev_open_path(const char *path, bool read_only, void *holder, struct tbk_device **out)
{
	struct tbk_bdev *b = tbk_bdev_alloc(read_only);

	if (!b)
		return -ENOMEM;
	return tbk_bdev_claimed(b, tbk_claim_path(&b->claim, path, read_only, holder), out);
}

void tbk_bdev_close(struct tbk_device *device)
{
	struct tbk_bdev *b = tbk_bdev(device);

	tbk_claim_drop(&b->claim);
	tbk_bdev_free(b);
}

struct block_device *tbk_bdev_of(struct tbk_device *device)
{
	return tbk_bdev(device)->claim.bdev;
}
