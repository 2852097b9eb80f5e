/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by sysfs.c, sysfs_volume.c and events.c alone. */
#ifndef TBK_LINUX_SYSFS_H
#define TBK_LINUX_SYSFS_H

#include "pools.h"

/* The module stays until every kobject counted has been released. */
void tbk_sysfs_count(void);
void tbk_sysfs_uncount(void);

/* "ok", "low", ... */
const char *tbk_level_name(enum tbk_pool_level level);
/* From now on the pool's folder tells when space runs short. */
void tbk_events_start(struct tbk_attached *in);

#endif /* TBK_LINUX_SYSFS_H */
