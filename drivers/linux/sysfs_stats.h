/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TBK_LINUX_SYSFS_STATS_H
#define TBK_LINUX_SYSFS_STATS_H

#include <linux/types.h>

#include <thinback/entry.h>

/* The line that abi.txt tells of: a number for each bucket. */
ssize_t tbk_sysfs_emit_latency(char *page, const struct tbk_op_stats *stats);

#endif /* TBK_LINUX_SYSFS_STATS_H */
