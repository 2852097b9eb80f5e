// SPDX-License-Identifier: GPL-2.0
/* What dom0 shows of a pool's objects: entries, each with its disk and its folder in sysfs. */
#include <linux/blk_types.h>
#include <linux/slab.h>

#include "entries.h"
#include "platform/device.h"
#include "why.h"

void tbk_object_node(const struct tbk_attached *in, const char *volume, const char *snapshot,
		     char *node, size_t size)
{
	snprintf(node, size, "/dev/thinback/%s/%s%s%s", in->name, volume, snapshot[0] ? "@" : "",
		 snapshot);
}

bool tbk_object_use(struct tbk_attached *in, u32 id, struct tbk_disk_use *use)
{
	struct tbk_entry *entry;
	bool mapped;

	xa_lock(&in->entries);
	entry = xa_load(&in->entries, id);
	mapped = entry && entry->disk;
	if (mapped)
		tbk_disk_use(entry->disk, use);
	xa_unlock(&in->entries);
	return mapped;
}

/* The disk for those who may not wait for the pool's lock. */
static void tbk_entry_set_disk(struct tbk_entry *entry, struct tbk_disk *disk)
{
	xa_lock(&entry->in->entries);
	entry->disk = disk;
	xa_unlock(&entry->in->entries);
}

static struct tbk_entry *tbk_entry_alloc(struct tbk_attached *in,
					 const struct tbk_object_info *info)
{
	struct tbk_entry *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry)
		return NULL;
	entry->in = in;
	entry->id = info->id;
	strscpy(entry->volume, info->volume, sizeof(entry->volume));
	strscpy(entry->snapshot, info->snapshot, sizeof(entry->snapshot));
	tbk_sysfs_init_volume(entry);
	return entry;
}

struct tbk_entry *tbk_entry_add(struct tbk_attached *in, const struct tbk_object_info *info)
{
	struct tbk_entry *entry = tbk_entry_alloc(in, info);
	int err = -ENOMEM;

	lockdep_assert_held(&in->lock);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	err = xa_err(xa_store(&in->entries, entry->id, entry, GFP_KERNEL));
	if (err)
		goto put;
	if (!entry->snapshot[0])
		err = tbk_sysfs_add_volume(entry);
	if (err)
		goto erase;
	return entry;
erase:
	xa_erase(&in->entries, entry->id);
put:
	kobject_put(&entry->kobj);
	return ERR_PTR(err);
}

void tbk_entry_drop(struct tbk_entry *entry)
{
	lockdep_assert_held(&entry->in->lock);
	tbk_entry_unmap(entry);
	xa_erase(&entry->in->entries, entry->id);
	if (!entry->snapshot[0])
		tbk_sysfs_remove_volume(entry);
	kobject_put(&entry->kobj);
}

int tbk_entry_map(struct tbk_entry *entry, const struct tbk_object_info *info)
{
	struct tbk_attached *in = entry->in;
	const struct tbk_disk_plan plan = {
		.pool = in->pool,
		.lower = tbk_bdev_of(in->device),
		.pool_name = in->name,
		.volume = info->volume,
		.snapshot = info->snapshot,
		.bytes = info->size,
		.sector = info->flags & TBK_OBJECT_LARGE_SECTORS ? TBK_BLOCK : SECTOR_SIZE,
		.read_only = in->read_only || info->snapshot[0],
	};
	struct tbk_disk *disk;

	lockdep_assert_held(&in->lock);
	disk = tbk_disk_add(&plan);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	tbk_entry_set_disk(entry, disk);
	return 0;
}

void tbk_entry_unmap(struct tbk_entry *entry)
{
	struct tbk_disk *disk = entry->disk;

	if (!disk)
		return;
	tbk_entry_set_disk(entry, NULL);
	tbk_disk_remove(disk);
}

int tbk_entry_show(struct tbk_attached *in, const struct tbk_object_info *info, struct tbk_why *why)
{
	struct tbk_entry *entry = tbk_entry_add(in, info);
	int err;

	if (IS_ERR(entry)) {
		err = PTR_ERR(entry);
	} else {
		err = tbk_entry_map(entry, info);
		if (err)
			tbk_entry_drop(entry);
	}
	if (err)
		tbk_say(why, "%s/%s%s%s: its device cannot be made: error %d", in->name,
			info->volume, info->snapshot[0] ? "@" : "", info->snapshot, -err);
	return err;
}

/* Who stands in the way, and what to do about it. */
static void tbk_entry_say_busy(const struct tbk_entry *entry, struct tbk_why *why)
{
	const char *name = tbk_disk_name(entry->disk);
	struct tbk_disk_use use;

	tbk_disk_use(entry->disk, &use);
	if (use.domid >= 0) {
		tbk_say(why, "%s is in use by guest %d as %s", name, use.domid, use.vdev);
		tbk_hint(why, "first: xl block-detach %d %s", use.domid, use.vdev);
		return;
	}
	tbk_say(why, "%s is in use in dom0: mounted, or held open %u times", name, use.openers);
	tbk_hint(why, "first: umount it, or stop what fuser -v /dev/thinback/%s shows", name);
}

int tbk_entry_hold(struct tbk_entry *entry, struct tbk_why *why)
{
	int err;

	if (!entry->disk)
		return 0;
	err = tbk_disk_hold(entry->disk);
	if (err)
		tbk_entry_say_busy(entry, why);
	return err;
}

void tbk_entry_unhold(struct tbk_entry *entry)
{
	if (entry->disk)
		tbk_disk_unhold(entry->disk);
}

int tbk_entries_hold(struct tbk_attached *in, struct tbk_why *why)
{
	struct tbk_entry *entry, *undo;
	unsigned long id, undone;
	int err;

	mutex_lock(&in->lock);
	xa_for_each(&in->entries, id, entry)
	{
		err = tbk_entry_hold(entry, why);
		if (err)
			goto unhold;
	}
	mutex_unlock(&in->lock);
	return 0;
unhold:
	xa_for_each(&in->entries, undone, undo)
	{
		if (undone == id)
			break;
		tbk_entry_unhold(undo);
	}
	mutex_unlock(&in->lock);
	return err;
}

void tbk_entries_unhold(struct tbk_attached *in)
{
	struct tbk_entry *entry;
	unsigned long id;

	mutex_lock(&in->lock);
	xa_for_each(&in->entries, id, entry) tbk_entry_unhold(entry);
	mutex_unlock(&in->lock);
}

int tbk_entries_fill(struct tbk_attached *in, struct tbk_why *why)
{
	const u32 hide = TBK_OBJECT_SNAPSHOT | TBK_OBJECT_HIDDEN | TBK_OBJECT_REMOVING;
	struct tbk_object_info info = {};
	int err = 0;

	mutex_lock(&in->lock);
	while (!err && !tbk_pool_next(in->pool, info.id, &info))
		if (!(info.flags & hide))
			err = tbk_entry_show(in, &info, why);
	mutex_unlock(&in->lock);
	if (err)
		tbk_entries_drop(in);
	return err;
}

void tbk_entries_drop(struct tbk_attached *in)
{
	struct tbk_entry *entry;
	unsigned long id;

	mutex_lock(&in->lock);
	xa_for_each(&in->entries, id, entry) tbk_entry_drop(entry);
	mutex_unlock(&in->lock);
	xa_destroy(&in->entries);
}
