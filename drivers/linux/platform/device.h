/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel block device as the core's struct tbk_device, and how to get one.
 * Hides how kernels differ in opening block devices.
 */
#ifndef TBK_LINUX_DEVICE_H
#define TBK_LINUX_DEVICE_H

#include <linux/types.h>

#include <thinback/platform.h>

struct block_device;

/**
 * tbk_bdev_open() - Open a block device by number.
 * @dev: its number
 * @read_only: never written through what is returned
 * @holder: who claims it, alone or together with others of the same @holder;
 *          NULL to share it with everybody
 * @out: the device
 *
 * Context: process; may sleep.
 * Return: 0; -EBUSY claimed by another; -ENXIO, -EROFS, -EACCES, -ENOMEM.
 */
int tbk_bdev_open(dev_t dev, bool read_only, void *holder, struct tbk_device **out);

/* The same by path, as the calling process sees it. -ENOTBLK, -ENOENT, ... */
int tbk_bdev_open_path(const char *path, bool read_only, void *holder, struct tbk_device **out);

/* How large it is now; 0 once it was pulled out. Any context. */
u64 tbk_bdev_bytes(struct tbk_device *device);

/* No request may be in flight. Context: process; may sleep. */
void tbk_bdev_close(struct tbk_device *device);

/* The device below; valid until tbk_bdev_close(). */
struct block_device *tbk_bdev_of(struct tbk_device *device);

#endif /* TBK_LINUX_DEVICE_H */
