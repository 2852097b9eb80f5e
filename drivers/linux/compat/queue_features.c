// SPDX-License-Identifier: GPL-2.0
/* Linux 6.11: a disk's limits and features are handed over when it is made. */
#include <linux/blkdev.h>

struct gendisk *probe(struct queue_limits *limits);
struct gendisk *probe(struct queue_limits *limits)
{
	limits->features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA | BLK_FEAT_IO_STAT;
	return blk_alloc_disk(limits, NUMA_NO_NODE);
}
