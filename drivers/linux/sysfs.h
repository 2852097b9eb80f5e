/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by sysfs.c and sysfs_volume.c alone. */
#ifndef TBK_LINUX_SYSFS_H
#define TBK_LINUX_SYSFS_H

#include "pools.h"

/* The module stays until every kobject counted has been released. */
void tbk_sysfs_count(void);
void tbk_sysfs_uncount(void);

#endif /* TBK_LINUX_SYSFS_H */
