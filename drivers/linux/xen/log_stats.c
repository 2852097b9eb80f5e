// SPDX-License-Identifier: GPL-2.0
/* What xen-blkback's log_stats does: now and then a line of the log for each disk that had to do. */
#define pr_fmt(fmt) "xen-thinback: " fmt

#include <linux/jiffies.h>
#include <linux/module.h>

#include "vbd.h"

static unsigned int tbk_log_stats;
module_param_named(log_stats, tbk_log_stats, uint, 0644);
MODULE_PARM_DESC(log_stats, "1: every ten seconds a line of the log says what a disk has done");

/* The files of statistics/ run on: what was logged before is kept beside them. */
static void tbk_xen_log_since(struct tbk_xen *xen)
{
	const struct tbk_vbd_stats *then = &xen->logged;
	struct tbk_vbd_stats now;

	tbk_vbd_read_stats(xen->vbd, &now);
	pr_info("%d.%s: oo %3llu  |  rd %4llu  |  wr %4llu  |  f %4llu  |  ds %4llu\n",
		xen->guest.domid, xen->guest.vdev, now.out_of_requests - then->out_of_requests,
		now.reads - then->reads, now.writes - then->writes, now.flushes - then->flushes,
		now.discards - then->discards);
	xen->logged = now;
}

void tbk_xen_log_stats(struct tbk_xen *xen)
{
	if (!READ_ONCE(tbk_log_stats) || time_before(jiffies, READ_ONCE(xen->log_next)))
		return;
	/* One ring's thread for all of the disk's. */
	if (test_and_set_bit_lock(TBK_XEN_LOGGING, &xen->flags))
		return;
	if (!time_before(jiffies, xen->log_next)) {
		tbk_xen_log_since(xen);
		WRITE_ONCE(xen->log_next, jiffies + 10 * HZ);
	}
	clear_bit_unlock(TBK_XEN_LOGGING, &xen->flags);
}
