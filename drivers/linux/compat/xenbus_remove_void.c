// SPDX-License-Identifier: GPL-2.0
/* Linux 6.2, and the stable 6.1.162: taking a device from a xenbus driver cannot fail. */
#include <xen/xenbus.h>

void probe(struct xenbus_driver *driver, void (*remove)(struct xenbus_device *dev));
void probe(struct xenbus_driver *driver, void (*remove)(struct xenbus_device *dev))
{
	driver->remove = remove;
}
