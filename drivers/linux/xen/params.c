// SPDX-License-Identifier: GPL-2.0
/* What the administrator allows guests' rings: xen-blkback's names and meanings. */
#include <linux/cpumask.h>
#include <linux/module.h>

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

void tbk_xen_read_limits(struct tbk_xen *xen, struct tbk_xen_limits *limits)
{
	limits->queues = READ_ONCE(tbk_max_queues) ?: num_online_cpus();
	limits->ring_order = tbk_max_ring_page_order;
	limits->pages = READ_ONCE(tbk_max_buffer_pages);
}
