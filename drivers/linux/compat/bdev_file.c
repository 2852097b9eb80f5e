// SPDX-License-Identifier: GPL-2.0
/* Linux 6.9: an open block device is a file; modes have a type of their own. */
#include <linux/blkdev.h>

struct file *probe(dev_t dev, blk_mode_t mode, void *holder);
struct file *probe(dev_t dev, blk_mode_t mode, void *holder)
{
	return bdev_file_open_by_dev(dev, mode, holder, NULL);
}
