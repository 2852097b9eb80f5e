// SPDX-License-Identifier: GPL-2.0
/* What the administrator allows guests: their rings by xen-blkback's names and meanings. */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "vbd.h"

static unsigned int tbk_max_queues;
module_param_named(max_queues, tbk_max_queues, uint, 0644);
MODULE_PARM_DESC(max_queues,
		 "Most rings a disk may have, 64 at the most; 0: as many as CPUs are online");

static unsigned int tbk_max_ring_page_order = 4;
module_param_named(max_ring_page_order, tbk_max_ring_page_order, uint, 0444);
MODULE_PARM_DESC(max_ring_page_order, "Most pages a ring may have, as a power of two: 0 to 4");

static unsigned int tbk_max_buffer_pages = 1024;
module_param_named(max_buffer_pages, tbk_max_buffer_pages, uint, 0644);
MODULE_PARM_DESC(max_buffer_pages,
		 "Most pages of a guest mapped at once for one ring's requests: 512 to 16384");

static bool tbk_feature_persistent = true;
module_param_named(feature_persistent, tbk_feature_persistent, bool, 0644);
MODULE_PARM_DESC(feature_persistent, "Let pages stay mapped that a guest promises to use again");

static unsigned int tbk_max_persistent_grants = 1056;
module_param_named(max_persistent_grants, tbk_max_persistent_grants, uint, 0644);
MODULE_PARM_DESC(max_persistent_grants, "Most pages of a ring that stay mapped, 16384 at the most");

static unsigned int tbk_persistent_grant_unused_seconds = 60;
module_param_named(persistent_grant_unused_seconds, tbk_persistent_grant_unused_seconds, uint,
		   0644);
MODULE_PARM_DESC(persistent_grant_unused_seconds,
		 "For how long they stay mapped without being used; 0: for ever");

static unsigned int tbk_buffer_squeeze_duration_ms = 10;
module_param_named(buffer_squeeze_duration_ms, tbk_buffer_squeeze_duration_ms, uint, 0644);
MODULE_PARM_DESC(buffer_squeeze_duration_ms,
		 "For how long rings do with fewer pages after dom0 was short of memory; 0: never");

static unsigned long tbk_max_guest_pages;
module_param_named(max_guest_pages, tbk_max_guest_pages, ulong, 0644);
MODULE_PARM_DESC(
	max_guest_pages,
	"Most pages of dom0 that the rings of all disks of one guest take together; 0: a quarter of its memory");

/* A key of the backend's directory, where guests cannot write. */
static void tbk_xen_read_rate(struct tbk_xen *xen, const char *key, tbk_u64 *rate)
{
	char *text = xenbus_read(XBT_NIL, xen->dev->nodename, key, NULL);
	u64 value;

	if (IS_ERR(text))
		return;
	if (!kstrtou64(text, 10, &value))
		*rate = value;
	else if (__ratelimit(&xen->complaints))
		dev_warn(&xen->dev->dev,
			 "%s/%s is \"%s\", which is not a whole number; the limit stays as it is\n",
			 xen->dev->nodename, key, text);
	kfree(text);
}

void tbk_xen_read_rates(struct tbk_xen *xen, struct tbk_xen_rates *rates)
{
	tbk_xen_read_rate(xen, "iops-limit", &rates->iops);
	tbk_xen_read_rate(xen, "bandwidth-limit", &rates->bandwidth);
}

unsigned int tbk_xen_squeeze_ms(void)
{
	return READ_ONCE(tbk_buffer_squeeze_duration_ms);
}

void tbk_xen_read_limits(struct tbk_xen *xen, struct tbk_xen_limits *limits)
{
	limits->queues = READ_ONCE(tbk_max_queues) ?: num_online_cpus();
	limits->ring_order = tbk_max_ring_page_order;
	limits->pages = READ_ONCE(tbk_max_buffer_pages);
	limits->persistent = READ_ONCE(tbk_feature_persistent);
	limits->kept_pages = READ_ONCE(tbk_max_persistent_grants);
	limits->kept_seconds = READ_ONCE(tbk_persistent_grant_unused_seconds);
	limits->guest_pages = READ_ONCE(tbk_max_guest_pages) ?: totalram_pages() / 4;
}
