// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/bus/xen-backend/devices/vbd-D-N/: the names and formats of xen-blkback,
 * which xentop and libxenstat read, and latencies and limits of our own. The driver core adds
 * the files after probe() and takes them away, waiting for readers, before remove().
 */
#include <linux/device.h>
#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/sysfs.h>

#include "../sysfs_stats.h"
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

#define TBK_LIMIT(rate)                                                                      \
	static ssize_t rate##_limit_show(struct device *dev, struct device_attribute *attr,  \
					 char *buf)                                          \
	{                                                                                    \
		struct tbk_xen_rates rates;                                                  \
                                                                                             \
		tbk_vbd_read_rates(tbk_xen_of(dev)->vbd, &rates);                            \
		return sysfs_emit(buf, "%llu\n", rates.rate);                                \
	}                                                                                    \
	static ssize_t rate##_limit_store(struct device *dev, struct device_attribute *attr, \
					  const char *buf, size_t count)                     \
	{                                                                                    \
		u64 value;                                                                   \
		int err = kstrtou64(buf, 0, &value);                                         \
                                                                                             \
		if (err)                                                                     \
			return err;                                                          \
		tbk_vbd_limit_##rate(tbk_xen_of(dev)->vbd, value);                           \
		return count;                                                                \
	}                                                                                    \
	static DEVICE_ATTR_RW(rate##_limit)

TBK_LIMIT(iops);
TBK_LIMIT(bandwidth);

static ssize_t io_priority_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return tbk_xen_show_priority(READ_ONCE(tbk_xen_of(dev)->io_priority), buf);
}

static ssize_t io_priority_store(struct device *dev, struct device_attribute *attr, const char *buf,
				 size_t count)
{
	int priority;
	int err = tbk_xen_parse_priority(buf, &priority);

	if (err)
		return err;
	WRITE_ONCE(tbk_xen_of(dev)->io_priority, priority);
	return count;
}
static DEVICE_ATTR_RW(io_priority);

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
TBK_STATISTIC(lim_req, limited);
TBK_STATISTIC(rd_req, reads);
TBK_STATISTIC(wr_req, writes);
TBK_STATISTIC(f_req, flushes);
TBK_STATISTIC(ds_req, discards);
TBK_STATISTIC(rd_sect, sectors_read);
TBK_STATISTIC(wr_sect, sectors_written);

#define TBK_LATENCY(name, kind)                                                                  \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
	{                                                                                        \
		struct tbk_op_stats stats;                                                       \
                                                                                                 \
		tbk_vbd_read_op_stats(tbk_xen_of(dev)->vbd, kind, &stats);                       \
		return tbk_sysfs_emit_latency(buf, &stats);                                      \
	}                                                                                        \
	static DEVICE_ATTR_RO(name)

TBK_LATENCY(rd_latency, TBK_STAT_READ);
TBK_LATENCY(wr_latency, TBK_STAT_WRITE);
TBK_LATENCY(f_latency, TBK_STAT_FLUSH);
TBK_LATENCY(ds_latency, TBK_STAT_DISCARD);

static struct attribute *tbk_xen_attrs[] = {
	&dev_attr_physical_device.attr, &dev_attr_mode.attr,	    &dev_attr_iops_limit.attr,
	&dev_attr_bandwidth_limit.attr, &dev_attr_io_priority.attr, NULL,
};

static const struct attribute_group tbk_xen_group = {
	.attrs = tbk_xen_attrs,
};

static struct attribute *tbk_xen_statistics_attrs[] = {
	&dev_attr_oo_req.attr,
	&dev_attr_rd_req.attr,
	&dev_attr_wr_req.attr,
	&dev_attr_f_req.attr,
	&dev_attr_ds_req.attr,
	&dev_attr_rd_sect.attr,
	&dev_attr_wr_sect.attr,
	&dev_attr_rd_latency.attr,
	&dev_attr_wr_latency.attr,
	&dev_attr_f_latency.attr,
	&dev_attr_ds_latency.attr,
	&dev_attr_lim_req.attr,
	NULL,
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
