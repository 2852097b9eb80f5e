/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the sysfs*.c files and events.c alone. */
#ifndef TBK_LINUX_SYSFS_H
#define TBK_LINUX_SYSFS_H

#include <linux/sysfs.h>

#include "pools.h"

/* The module stays until every kobject counted has been released. */
void tbk_sysfs_count(void);
void tbk_sysfs_uncount(void);

/* "ok", "low", ... */
const char *tbk_level_name(enum tbk_pool_level level);
/* From now on the pool's folder tells when space runs short. */
void tbk_events_start(struct tbk_attached *in);

/* A file of a volume's folder. Shown while @entry's pool is open, and stays so. */
struct tbk_volume_attribute {
	struct attribute attr;
	ssize_t (*show)(struct tbk_entry *entry, const struct tbk_object_info *info, char *page);
};

extern const struct attribute_group tbk_volume_statistics_group;

#endif /* TBK_LINUX_SYSFS_H */
