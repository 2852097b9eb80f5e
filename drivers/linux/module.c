// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading. An attached pool keeps the module: see pools.c. */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "module.h"
#include "pools.h"

#if IS_ENABLED(CONFIG_XEN_BACKEND)
#include "xen/xen.h"
#else
static int tbk_xen_init(void)
{
	return -ENODEV;
}

static void tbk_xen_exit(void)
{
}
#endif

static bool tbk_xen_running;

/* Without Xen below there are pools and dom0 devices all the same. */
static int tbk_init_xen(void)
{
	int err = tbk_xen_init();

	tbk_xen_running = !err;
	return err == -ENODEV ? 0 : err;
}

static int __init tbk_init(void)
{
	int err = tbk_disks_init();

	if (err)
		return err;
	err = tbk_sysfs_init();
	if (err)
		goto disks;
	err = tbk_control_init();
	if (err)
		goto sysfs;
	err = tbk_init_xen();
	if (err)
		goto control;
	return 0;
control:
	tbk_control_exit();
sysfs:
	tbk_sysfs_exit();
disks:
	tbk_disks_exit();
	return err;
}

/* The barrier is for what the core has still to free by RCU. */
static void __exit tbk_exit(void)
{
	if (tbk_xen_running)
		tbk_xen_exit();
	tbk_control_exit();
	tbk_sysfs_exit();
	tbk_disks_exit();
	rcu_barrier();
}

module_init(tbk_init);
module_exit(tbk_exit);

MODULE_DESCRIPTION("Lazy copy-on-write disks for Xen guests, from a pool on one block device");
MODULE_VERSION(TBK_VERSION);
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: crc32c");
