// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that change what objects a pool has and which of them have devices.
 * Each does all or nothing: the device is there when a verb that makes one
 * returns, and a verb that fails leaves what it found.
 */
#include <linux/string.h>

#include "entries.h"
#include "why.h"

/* Show a volume that the core has just made, or have it taken back. */
static int tbk_object_appear(struct tbk_attached *in, const char *volume, struct tbk_why *why)
{
	struct tbk_object_info info;
	int err = tbk_pool_find(in->pool, volume, NULL, &info, why);

	if (!err)
		err = tbk_entry_show(in, &info, why);
	if (err)
		tbk_remove(in->pool, volume, NULL, 0, NULL);
	return err;
}

int tbk_object_create(struct tbk_attached *in, const char *volume, u64 bytes, u32 flags,
		      struct tbk_why *why)
{
	int err;

	mutex_lock(&in->lock);
	err = tbk_volume_create(in->pool, volume, bytes, flags, why);
	if (!err)
		err = tbk_object_appear(in, volume, why);
	mutex_unlock(&in->lock);
	return err;
}

/* The device of an object that is there; nothing to do if it has one. */
static int tbk_object_map_locked(struct tbk_attached *in, const char *volume, const char *snapshot,
				 struct tbk_why *why)
{
	struct tbk_object_info info;
	struct tbk_entry *entry;
	int err = tbk_pool_find(in->pool, volume, snapshot, &info, why);

	if (err)
		return err;
	entry = xa_load(&in->entries, info.id);
	if (!entry)
		return tbk_entry_show(in, &info, why);
	if (entry->disk)
		return 0;
	err = tbk_entry_map(entry, &info);
	if (err)
		tbk_say(why, "%s/%s: its device cannot be made: error %d", in->name, volume, -err);
	return err;
}

int tbk_object_map(struct tbk_attached *in, const char *volume, const char *snapshot,
		   struct tbk_why *why)
{
	int err;

	mutex_lock(&in->lock);
	err = tbk_object_map_locked(in, volume, snapshot, why);
	mutex_unlock(&in->lock);
	return err;
}

int tbk_object_clone(struct tbk_attached *in, const struct tbk_clone_plan *plan,
		     struct tbk_why *why)
{
	int err;

	mutex_lock(&in->lock);
	if (plan->if_missing && !tbk_object_map_locked(in, plan->name, NULL, NULL)) {
		err = 0;
		goto unlock;
	}
	err = tbk_clone_create(in->pool, plan->volume, plan->snapshot, plan->name, plan->bytes,
			       why);
	if (!err)
		err = tbk_object_appear(in, plan->name, why);
unlock:
	mutex_unlock(&in->lock);
	return err;
}

/* What a verb on an object takes along: itself, or with its snapshots. */
struct tbk_selection {
	u32 id;
	const char *volume;
	bool snapshots;
};

static bool tbk_selected(const struct tbk_selection *selection, const struct tbk_entry *entry)
{
	if (entry->id == selection->id)
		return true;
	return selection->snapshots && entry->snapshot[0] &&
	       !strcmp(entry->volume, selection->volume);
}

/* Let go the selected entries with ids below @end. */
static void tbk_unhold_selected(struct tbk_attached *in, const struct tbk_selection *selection,
				unsigned long end)
{
	struct tbk_entry *entry;
	unsigned long id;

	xa_for_each(&in->entries, id, entry)
	{
		if (id < end && tbk_selected(selection, entry))
			tbk_entry_unhold(entry);
	}
}

static int tbk_hold_selected(struct tbk_attached *in, const struct tbk_selection *selection,
			     struct tbk_why *why)
{
	struct tbk_entry *entry;
	unsigned long id;
	int err;

	xa_for_each(&in->entries, id, entry)
	{
		if (!tbk_selected(selection, entry))
			continue;
		err = tbk_entry_hold(entry, why);
		if (err) {
			tbk_unhold_selected(in, selection, id);
			return err;
		}
	}
	return 0;
}

static void tbk_drop_selected(struct tbk_attached *in, const struct tbk_selection *selection)
{
	struct tbk_entry *entry;
	unsigned long id;

	xa_for_each(&in->entries, id, entry)
	{
		if (tbk_selected(selection, entry))
			tbk_entry_drop(entry);
	}
}

/* The devices are closed to newcomers first and go last, so that a refusal changes nothing. */
static int tbk_object_remove_locked(struct tbk_attached *in, const struct tbk_object_info *info,
				    u32 flags, struct tbk_why *why)
{
	const struct tbk_selection selection = {
		.id = info->id,
		.volume = info->volume,
		.snapshots = !info->snapshot[0] && (flags & TBK_REMOVE_RECURSIVE),
	};
	int err = tbk_hold_selected(in, &selection, why);

	if (err)
		return err;
	err = tbk_remove(in->pool, info->volume, info->snapshot, flags, why);
	if (err)
		tbk_unhold_selected(in, &selection, ULONG_MAX);
	else
		tbk_drop_selected(in, &selection);
	return err;
}

int tbk_object_remove(struct tbk_attached *in, const char *volume, const char *snapshot, u32 flags,
		      struct tbk_why *why)
{
	struct tbk_object_info info;
	int err;

	mutex_lock(&in->lock);
	err = tbk_pool_find(in->pool, volume, snapshot, &info, why);
	if (!err)
		err = tbk_object_remove_locked(in, &info, flags, why);
	mutex_unlock(&in->lock);
	return err;
}

/*
 * The entries of what has been renamed, under their new names; mapped as before.
 * That one cannot be made does not undo the name, nor keep back the others.
 */
static int tbk_renew_selected(struct tbk_attached *in, const struct tbk_selection *selection,
			      struct tbk_why *why)
{
	struct tbk_object_info info;
	struct tbk_entry *entry;
	unsigned long id;
	bool was_mapped;
	int err = 0, one;

	xa_for_each(&in->entries, id, entry)
	{
		if (!tbk_selected(selection, entry))
			continue;
		was_mapped = entry->disk;
		tbk_entry_drop(entry);
		if (tbk_pool_next(in->pool, id - 1, &info) || info.id != id)
			continue;
		if (was_mapped)
			one = tbk_entry_show(in, &info, why);
		else
			one = PTR_ERR_OR_ZERO(tbk_entry_add(in, &info));
		if (!one)
			continue;
		err = one;
		tbk_hint(why, "it has its new name; to try again: thinback map %s/%s%s%s", in->name,
			 info.volume, info.snapshot[0] ? "@" : "", info.snapshot);
	}
	return err;
}

int tbk_object_rename(struct tbk_attached *in, const char *volume, const char *snapshot,
		      const char *to, struct tbk_why *why)
{
	struct tbk_object_info info;
	struct tbk_selection selection;
	int err;

	mutex_lock(&in->lock);
	err = tbk_pool_find(in->pool, volume, snapshot, &info, why);
	if (err)
		goto unlock;
	selection.id = info.id;
	selection.volume = info.volume;
	selection.snapshots = !info.snapshot[0];
	err = tbk_hold_selected(in, &selection, why);
	if (err)
		goto unlock;
	err = tbk_rename(in->pool, volume, snapshot, to, why);
	if (err)
		tbk_unhold_selected(in, &selection, ULONG_MAX);
	else
		err = tbk_renew_selected(in, &selection, why);
unlock:
	mutex_unlock(&in->lock);
	return err;
}

/* The volume's entry goes with what it was; the one it is now gets another. */
static int tbk_object_rollback_locked(struct tbk_attached *in, const char *volume,
				      const char *snapshot, const char *keep, struct tbk_why *why)
{
	struct tbk_object_info info;
	struct tbk_entry *entry;
	int err = tbk_pool_find(in->pool, volume, NULL, &info, why);

	if (err)
		return err;
	entry = xa_load(&in->entries, info.id);
	err = entry ? tbk_entry_hold(entry, why) : 0;
	if (err)
		return err;
	err = tbk_rollback(in->pool, volume, snapshot, keep, why);
	if (err) {
		if (entry)
			tbk_entry_unhold(entry);
		return err;
	}
	if (entry)
		tbk_entry_drop(entry);
	return tbk_object_map_locked(in, volume, NULL, why);
}

int tbk_object_rollback(struct tbk_attached *in, const char *volume, const char *snapshot,
			const char *keep, struct tbk_why *why)
{
	int err;

	mutex_lock(&in->lock);
	err = tbk_object_rollback_locked(in, volume, snapshot, keep, why);
	mutex_unlock(&in->lock);
	return err;
}

int tbk_object_resize(struct tbk_attached *in, const char *volume, u64 bytes, u32 flags,
		      struct tbk_why *why)
{
	struct tbk_object_info info;
	struct tbk_entry *entry;
	int err;

	mutex_lock(&in->lock);
	err = tbk_volume_resize(in->pool, volume, bytes, flags, why);
	if (!err)
		err = tbk_pool_find(in->pool, volume, NULL, &info, why);
	if (!err) {
		entry = xa_load(&in->entries, info.id);
		if (entry && entry->disk)
			tbk_disk_resize(entry->disk, info.size);
	}
	mutex_unlock(&in->lock);
	return err;
}

/* A snapshot's entry goes with its device, a volume's stays. */
static int tbk_entry_hide(struct tbk_entry *entry, struct tbk_why *why)
{
	int err = tbk_entry_hold(entry, why);

	if (err)
		return err;
	if (entry->snapshot[0])
		tbk_entry_drop(entry);
	else
		tbk_entry_unmap(entry);
	return 0;
}

int tbk_object_unmap(struct tbk_attached *in, const char *volume, const char *snapshot,
		     struct tbk_why *why)
{
	struct tbk_object_info info;
	struct tbk_entry *entry;
	int err;

	mutex_lock(&in->lock);
	err = tbk_pool_find(in->pool, volume, snapshot, &info, why);
	if (!err) {
		entry = xa_load(&in->entries, info.id);
		if (entry)
			err = tbk_entry_hide(entry, why);
	}
	mutex_unlock(&in->lock);
	return err;
}
