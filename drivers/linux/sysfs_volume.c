// SPDX-License-Identifier: GPL-2.0
/* /sys/fs/thinback/POOL/volumes/VOLUME: one value a file, sizes in bytes, no figure a walk. */
#include <linux/blk_types.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "sysfs.h"

static struct tbk_entry *tbk_kobj_entry(struct kobject *kobj)
{
	return container_of(kobj, struct tbk_entry, kobj);
}

static ssize_t tbk_volume_attr_show(struct kobject *kobj, struct attribute *attr, char *page)
{
	struct tbk_volume_attribute *attribute =
		container_of(attr, struct tbk_volume_attribute, attr);
	struct tbk_entry *entry = tbk_kobj_entry(kobj);
	struct tbk_attached *in = entry->in;
	struct tbk_object_info info;
	ssize_t length = -ENODEV;

	down_read(&in->open);
	if (in->pool && !tbk_pool_find(in->pool, entry->volume, NULL, &info, NULL))
		length = attribute->show(entry, &info, page);
	up_read(&in->open);
	return length;
}

#define TBK_VOLUME_ATTR(name)                                                                   \
	static ssize_t name##_show(struct tbk_entry *entry, const struct tbk_object_info *info, \
				   char *page);                                                 \
	static struct tbk_volume_attribute name##_attr = __ATTR_RO(name);                       \
	static ssize_t name##_show(struct tbk_entry *entry, const struct tbk_object_info *info, \
				   char *page)

TBK_VOLUME_ATTR(uuid)
{
	return sysfs_emit(page, "%pUb\n", info->uuid);
}

TBK_VOLUME_ATTR(size)
{
	return sysfs_emit(page, "%llu\n", info->size);
}

TBK_VOLUME_ATTR(own)
{
	return sysfs_emit(page, "%llu\n", info->own);
}

TBK_VOLUME_ATTR(shared)
{
	return sysfs_emit(page, "%llu\n", info->shared);
}

TBK_VOLUME_ATTR(from)
{
	if (!info->parent_volume[0])
		return sysfs_emit(page, "\n");
	return sysfs_emit(page, "%s/%s@%s\n", entry->in->name, info->parent_volume,
			  info->parent_snapshot);
}

TBK_VOLUME_ATTR(quota)
{
	return info->quota ? sysfs_emit(page, "%llu\n", info->quota) : sysfs_emit(page, "none\n");
}

TBK_VOLUME_ATTR(reserve)
{
	return sysfs_emit(page, "%llu\n", info->reserve);
}

TBK_VOLUME_ATTR(on_full)
{
	switch (info->on_full) {
	case TBK_FULL_WAIT:
		return sysfs_emit(page, "wait:%u\n", info->full_wait);
	case TBK_FULL_PAUSE:
		return sysfs_emit(page, "pause\n");
	case TBK_FULL_ERROR:
	default:
		return sysfs_emit(page, "error\n");
	}
}

TBK_VOLUME_ATTR(waiting)
{
	return sysfs_emit(page, "%u\n", info->waiting);
}

TBK_VOLUME_ATTR(detect_zeroes)
{
	return sysfs_emit(page, "%u\n", info->detect_zeroes);
}

TBK_VOLUME_ATTR(sector_size)
{
	return sysfs_emit(page, "%u\n",
			  info->flags & TBK_OBJECT_LARGE_SECTORS ? TBK_BLOCK : SECTOR_SIZE);
}

/* MAJOR:MINOR, or nothing. */
TBK_VOLUME_ATTR(dev)
{
	dev_t dev = 0;

	xa_lock(&entry->in->entries);
	if (entry->disk)
		dev = tbk_disk_devt(entry->disk);
	xa_unlock(&entry->in->entries);
	return dev ? sysfs_emit(page, "%u:%u\n", MAJOR(dev), MINOR(dev)) : sysfs_emit(page, "\n");
}

/* DOMID VDEV, or nothing. */
TBK_VOLUME_ATTR(guest)
{
	struct tbk_disk_use use;

	if (!tbk_object_use(entry->in, entry->id, &use) || use.domid < 0)
		return sysfs_emit(page, "\n");
	return sysfs_emit(page, "%d %s\n", use.domid, use.vdev);
}

TBK_VOLUME_ATTR(read_only)
{
	return sysfs_emit(page, "%d\n", entry->in->read_only);
}

static struct attribute *tbk_volume_attrs[] = {
	&uuid_attr.attr,	  &size_attr.attr,	  &own_attr.attr,
	&shared_attr.attr,	  &from_attr.attr,	  &dev_attr.attr,
	&guest_attr.attr,	  &read_only_attr.attr,	  &quota_attr.attr,
	&reserve_attr.attr,	  &on_full_attr.attr,	  &waiting_attr.attr,
	&detect_zeroes_attr.attr, &sector_size_attr.attr, NULL,
};

static const struct attribute_group tbk_volume_group = {
	.attrs = tbk_volume_attrs,
};

static const struct attribute_group *tbk_volume_groups[] = {
	&tbk_volume_group,
	&tbk_volume_statistics_group,
	NULL,
};

static void tbk_volume_release(struct kobject *kobj)
{
	kfree(tbk_kobj_entry(kobj));
	tbk_sysfs_uncount();
}

static const struct sysfs_ops tbk_volume_sysfs_ops = {
	.show = tbk_volume_attr_show,
};

static struct kobj_type tbk_volume_ktype = {
	.release = tbk_volume_release,
	.sysfs_ops = &tbk_volume_sysfs_ops,
	.default_groups = tbk_volume_groups,
};

void tbk_sysfs_init_volume(struct tbk_entry *entry)
{
	tbk_sysfs_count();
	kobject_init(&entry->kobj, &tbk_volume_ktype);
}

int tbk_sysfs_add_volume(struct tbk_entry *entry)
{
	return kobject_add(&entry->kobj, entry->in->volumes, "%s", entry->volume);
}

void tbk_sysfs_remove_volume(struct tbk_entry *entry)
{
	kobject_del(&entry->kobj);
}
