/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels we build for, Linux 6.1 to 6.12. Which of
 * them is at hand is found out by compiling compat/NAME.c, one for each
 * TBK_HAVE_NAME; .compat-probed.h is made by Kbuild.
 */
#ifndef TBK_LINUX_COMPAT_H
#define TBK_LINUX_COMPAT_H

#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/file.h>

#include ".compat-probed.h"

/* An open block device, and what is needed to close it. */
struct tbk_claim {
	struct block_device *bdev;
#ifdef TBK_HAVE_BDEV_FILE
	struct file *file;
#else
	fmode_t mode;
#endif
};

#ifdef TBK_HAVE_BDEV_FILE

static inline blk_mode_t tbk_claim_mode(bool read_only)
{
	return read_only ? BLK_OPEN_READ : BLK_OPEN_READ | BLK_OPEN_WRITE;
}

static inline int tbk_claim_file(struct tbk_claim *claim, struct file *file)
{
	if (IS_ERR(file))
		return PTR_ERR(file);
	claim->file = file;
	claim->bdev = file_bdev(file);
	return 0;
}

static inline int tbk_claim_dev(struct tbk_claim *claim, dev_t dev, bool read_only, void *holder)
{
	blk_mode_t mode = tbk_claim_mode(read_only);

	return tbk_claim_file(claim, bdev_file_open_by_dev(dev, mode, holder, NULL));
}

static inline int tbk_claim_path(struct tbk_claim *claim, const char *path, bool read_only,
				 void *holder)
{
	blk_mode_t mode = tbk_claim_mode(read_only);

	return tbk_claim_file(claim, bdev_file_open_by_path(path, mode, holder, NULL));
}

/* Closed when this returns, not by a task work later. */
static inline void tbk_claim_drop(struct tbk_claim *claim)
{
	bdev_fput(claim->file);
	claim->bdev = NULL;
}

/* Arguments of block_device_operations' open and release. */
#define TBK_DISK_OPEN_ARGS struct gendisk *gd, blk_mode_t mode
#define TBK_DISK_RELEASE_ARGS struct gendisk *gd
#define TBK_DISK_OPENED gd
#define TBK_OPEN_WRITE BLK_OPEN_WRITE

#else

static inline fmode_t tbk_claim_mode(bool read_only, void *holder)
{
	return FMODE_READ | (read_only ? 0 : FMODE_WRITE) | (holder ? FMODE_EXCL : 0);
}

static inline int tbk_claim_bdev(struct tbk_claim *claim, struct block_device *bdev, fmode_t mode)
{
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	claim->bdev = bdev;
	claim->mode = mode;
	return 0;
}

static inline int tbk_claim_dev(struct tbk_claim *claim, dev_t dev, bool read_only, void *holder)
{
	fmode_t mode = tbk_claim_mode(read_only, holder);

	return tbk_claim_bdev(claim, blkdev_get_by_dev(dev, mode, holder), mode);
}

static inline int tbk_claim_path(struct tbk_claim *claim, const char *path, bool read_only,
				 void *holder)
{
	fmode_t mode = tbk_claim_mode(read_only, holder);

	return tbk_claim_bdev(claim, blkdev_get_by_path(path, mode, holder), mode);
}

static inline void tbk_claim_drop(struct tbk_claim *claim)
{
	blkdev_put(claim->bdev, claim->mode);
	claim->bdev = NULL;
}

#define TBK_DISK_OPEN_ARGS struct block_device *bdev, fmode_t mode
#define TBK_DISK_RELEASE_ARGS struct gendisk *gd, fmode_t mode
#define TBK_DISK_OPENED bdev->bd_disk
#define TBK_OPEN_WRITE FMODE_WRITE

#endif /* TBK_HAVE_BDEV_FILE */

/* What a disk tells the block layer of itself. */
struct tbk_limits {
	unsigned int logical_block;
	unsigned int physical_block;
	unsigned int discard_granularity;
	unsigned int dma_alignment; /* a mask */
	bool rotational;
	bool stable_writes;
};

/* Most that one bio can ask to discard or zero, on a block's boundary lest the next start amiss. */
#define TBK_MOST_SECTORS (round_down(UINT_MAX, PAGE_SIZE) >> SECTOR_SHIFT)

#ifdef TBK_HAVE_QUEUE_FEATURES

static inline blk_features_t tbk_limits_features(const struct tbk_limits *limits)
{
	blk_features_t features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA | BLK_FEAT_IO_STAT;

	if (limits->rotational)
		features |= BLK_FEAT_ROTATIONAL;
	if (limits->stable_writes)
		features |= BLK_FEAT_STABLE_WRITES;
	return features;
}

/* A disk with a volatile cache, FUA, discard and zeroing. Return: an ERR_PTR on failure. */
static inline struct gendisk *tbk_alloc_disk(const struct tbk_limits *limits)
{
	struct queue_limits ql = {
		.logical_block_size = limits->logical_block,
		.physical_block_size = limits->physical_block,
		.io_min = limits->physical_block,
		.dma_alignment = limits->dma_alignment,
		.max_hw_discard_sectors = TBK_MOST_SECTORS,
		.discard_granularity = limits->discard_granularity,
		.max_write_zeroes_sectors = TBK_MOST_SECTORS,
		.features = tbk_limits_features(limits),
	};

	return blk_alloc_disk(&ql, NUMA_NO_NODE);
}

#else

static inline void tbk_set_limits(struct request_queue *q, const struct tbk_limits *limits)
{
	blk_queue_logical_block_size(q, limits->logical_block);
	blk_queue_physical_block_size(q, limits->physical_block);
	blk_queue_io_min(q, limits->physical_block);
	blk_queue_dma_alignment(q, limits->dma_alignment);
	blk_queue_max_discard_sectors(q, TBK_MOST_SECTORS);
	q->limits.discard_granularity = limits->discard_granularity;
	blk_queue_max_write_zeroes_sectors(q, TBK_MOST_SECTORS);
	blk_queue_write_cache(q, true, true);
	blk_queue_flag_set(QUEUE_FLAG_IO_STAT, q);
	if (!limits->rotational)
		blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	if (limits->stable_writes)
		blk_queue_flag_set(QUEUE_FLAG_STABLE_WRITES, q);
}

static inline struct gendisk *tbk_alloc_disk(const struct tbk_limits *limits)
{
	struct gendisk *gd = blk_alloc_disk(NUMA_NO_NODE);

	if (!gd)
		return ERR_PTR(-ENOMEM);
	tbk_set_limits(gd->queue, limits);
	return gd;
}

#endif /* TBK_HAVE_QUEUE_FEATURES */

#endif /* TBK_LINUX_COMPAT_H */
