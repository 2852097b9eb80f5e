// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/bus/xen-backend/devices/vbd-D-N/: the names and formats of xen-blkback,
 * which xentop and libxenstat read. The driver core adds the files after
 * probe() and takes them away, waiting for readers, before remove().
 */
#include <linux/device.h>
#include <linux/kdev_t.h>
#include <linux/sysfs.h>

#include "vbd.h"

static struct tbk_xen *tbk_xen_of(struct device *dev)
{
	return dev_get_drvdata(dev);
}

static ssize_t physical_device_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	dev_t number = READ_ONCE(tbk_xen_of(dev)->number);

	return number ? sysfs_emit(buf, "%x:%x\n", MAJOR(number), MINOR(number)) : -ENODEV;
}
static DEVICE_ATTR_RO(physical_device);

static ssize_t mode_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct tbk_xen *xen = tbk_xen_of(dev);

	return READ_ONCE(xen->number) ? sysfs_emit(buf, "%s\n", xen->mode) : -ENODEV;
}
static DEVICE_ATTR_RO(mode);

#define TBK_STATISTIC(name, field)                                                               \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
	{                                                                                        \
		struct tbk_vbd_stats stats;                                                      \
                                                                                                 \
		tbk_vbd_read_stats(tbk_xen_of(dev)->vbd, &stats);                                \
		return sysfs_emit(buf, "%llu\n", stats.field);                                   \
	}                                                                                        \
	static DEVICE_ATTR_RO(name)

TBK_STATISTIC(oo_req, out_of_requests);
TBK_STATISTIC(rd_req, reads);
TBK_STATISTIC(wr_req, writes);
TBK_STATISTIC(f_req, flushes);
TBK_STATISTIC(ds_req, discards);
TBK_STATISTIC(rd_sect, sectors_read);
TBK_STATISTIC(wr_sect, sectors_written);

static struct attribute *tbk_xen_attrs[] = {
	&dev_attr_physical_device.attr,
	&dev_attr_mode.attr,
	NULL,
};

static const struct attribute_group tbk_xen_group = {
	.attrs = tbk_xen_attrs,
};

static struct attribute *tbk_xen_statistics_attrs[] = {
	&dev_attr_oo_req.attr, &dev_attr_rd_req.attr,  &dev_attr_wr_req.attr,  &dev_attr_f_req.attr,
	&dev_attr_ds_req.attr, &dev_attr_rd_sect.attr, &dev_attr_wr_sect.attr, NULL,
};

static const struct attribute_group tbk_xen_statistics_group = {
	.name = "statistics",
	.attrs = tbk_xen_statistics_attrs,
};

const struct attribute_group *tbk_xen_groups[] = {
	&tbk_xen_group,
	&tbk_xen_statistics_group,
	NULL,
};
