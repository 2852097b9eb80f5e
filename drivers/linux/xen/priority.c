// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O priority of a guest's disk, by the names of ionice(1). The threads of
 * its rings have it, and the bios that they submit take it from there.
 */
#include <linux/ioprio.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "ring.h"

static const char *const tbk_xen_classes[] = {
	[IOPRIO_CLASS_NONE] = "none",
	[IOPRIO_CLASS_RT] = "realtime",
	[IOPRIO_CLASS_BE] = "best-effort",
	[IOPRIO_CLASS_IDLE] = "idle",
};

static bool tbk_xen_has_levels(unsigned int class)
{
	return class == IOPRIO_CLASS_RT || class == IOPRIO_CLASS_BE;
}

/* What follows the name of @class in @text. */
static int tbk_xen_parse_level(const char *text, unsigned int class, int *priority)
{
	unsigned int level = 0;

	if (!tbk_xen_has_levels(class) && !sysfs_streq(text, ""))
		return -EINVAL;
	if (tbk_xen_has_levels(class) &&
	    (*text != ':' || kstrtouint(text + 1, 10, &level) || level >= IOPRIO_BE_NR))
		return -EINVAL;
	*priority = IOPRIO_PRIO_VALUE(class, level);
	return 0;
}

int tbk_xen_parse_priority(const char *text, int *priority)
{
	unsigned int class;

	for (class = 0; class < ARRAY_SIZE(tbk_xen_classes); class ++) {
		size_t length = strlen(tbk_xen_classes[class]);

		if (!strncmp(text, tbk_xen_classes[class], length))
			return tbk_xen_parse_level(text + length, class, priority);
	}
	return -EINVAL;
}

ssize_t tbk_xen_show_priority(int priority, char *page)
{
	unsigned int class = IOPRIO_PRIO_CLASS(priority);

	if (!tbk_xen_has_levels(class))
		return sysfs_emit(page, "%s\n", tbk_xen_classes[class]);
	return sysfs_emit(page, "%s:%u\n", tbk_xen_classes[class],
			  (unsigned int)IOPRIO_PRIO_LEVEL(priority));
}

void tbk_xen_ring_take_priority(struct tbk_xen_ring *xr)
{
	int priority = READ_ONCE(xr->xen->io_priority);

	/* Without memory for it, it is tried again the next time. */
	if (priority != xr->io_priority && !set_task_ioprio(current, priority))
		xr->io_priority = priority;
}
