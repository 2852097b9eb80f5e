// SPDX-License-Identifier: GPL-2.0
/* Attaching and detaching pools, and finding them by name. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "platform/device.h"
#include "pools.h"
#include "why.h"

static DEFINE_MUTEX(tbk_pools_lock); /* the list; users and leaving of each */
static LIST_HEAD(tbk_pools);
static u64 tbk_pools_serial;
static DECLARE_WAIT_QUEUE_HEAD(tbk_pools_put);

static struct tbk_attached *tbk_attached_find(const char *name)
{
	struct tbk_attached *in;

	lockdep_assert_held(&tbk_pools_lock);
	list_for_each_entry(in, &tbk_pools, list)
		if (!strcmp(in->name, name))
			return in;
	return NULL;
}

/* Borrowable, or the reason why not. */
static int tbk_attached_check(const struct tbk_attached *in, const char *name, struct tbk_why *why)
{
	if (!in) {
		tbk_say(why, "there is no attached pool %s", name);
		tbk_hint(why, "thinback list shows those there are; thinback attach DEVICE");
		return -ENOENT;
	}
	if (in->leaving) {
		tbk_say(why, "pool %s is being attached or detached", name);
		return -EBUSY;
	}
	return 0;
}

struct tbk_attached *tbk_attached_get(const char *name, int *err, struct tbk_why *why)
{
	struct tbk_attached *in;

	mutex_lock(&tbk_pools_lock);
	in = tbk_attached_find(name);
	*err = tbk_attached_check(in, name, why);
	if (*err)
		in = NULL;
	else
		in->users++;
	mutex_unlock(&tbk_pools_lock);
	return in;
}

struct tbk_attached *tbk_attached_next(u64 serial)
{
	struct tbk_attached *in, *found = NULL;

	mutex_lock(&tbk_pools_lock);
	list_for_each_entry(in, &tbk_pools, list) {
		if (in->serial > serial && !in->leaving) {
			found = in;
			found->users++;
			break;
		}
	}
	mutex_unlock(&tbk_pools_lock);
	return found;
}

void tbk_attached_put(struct tbk_attached *in)
{
	mutex_lock(&tbk_pools_lock);
	WRITE_ONCE(in->users, in->users - 1);
	mutex_unlock(&tbk_pools_lock);
	wake_up_all(&tbk_pools_put);
}

static struct tbk_attached *tbk_attached_alloc(const char *path, bool read_only)
{
	struct tbk_attached *in = kzalloc(sizeof(*in), GFP_KERNEL);

	if (!in)
		return NULL;
	mutex_init(&in->lock);
	init_rwsem(&in->open);
	xa_init(&in->entries);
	in->read_only = read_only;
	strscpy(in->path, path, sizeof(in->path));
	tbk_sysfs_init_pool(in);
	return in;
}

static int tbk_attached_open_device(struct tbk_attached *in, struct tbk_why *why)
{
	int err = tbk_bdev_open_path(in->path, in->read_only, in, &in->device);

	switch (err) {
	case 0:
		return 0;
	case -EBUSY:
		tbk_say(why, "%s is in use: mounted, part of another device, or attached already",
			in->path);
		tbk_hint(why, "lsblk %s shows by what; thinback list shows attached pools",
			 in->path);
		return err;
	case -ENOTBLK:
		tbk_say(why, "%s is not a block device", in->path);
		return err;
	case -EROFS:
		tbk_say(why, "%s is read-only", in->path);
		tbk_hint(why, "thinback attach --read-only %s", in->path);
		return err;
	case -ENOENT:
	case -ENXIO:
		tbk_say(why, "there is no device %s", in->path);
		return err;
	default:
		tbk_say(why, "%s cannot be opened: error %d", in->path, -err);
		return err;
	}
}

/* The name stands on the device, so it is known late. */
static int tbk_attached_join(struct tbk_attached *in, struct tbk_why *why)
{
	struct tbk_pool_info info;
	int err = 0;

	tbk_pool_describe(in->pool, &info);
	strscpy(in->name, info.name, sizeof(in->name));
	mutex_lock(&tbk_pools_lock);
	if (tbk_attached_find(in->name)) {
		tbk_say(why, "a pool named %s is attached already, from %s", in->name,
			tbk_attached_find(in->name)->path);
		err = -EEXIST;
	} else {
		in->leaving = true; /* for nobody until its disks are there */
		in->serial = ++tbk_pools_serial;
		list_add_tail(&in->list, &tbk_pools);
	}
	mutex_unlock(&tbk_pools_lock);
	return err;
}

static void tbk_attached_unjoin(struct tbk_attached *in)
{
	mutex_lock(&tbk_pools_lock);
	list_del(&in->list);
	mutex_unlock(&tbk_pools_lock);
}

/* What can be seen of the pool: its folder in sysfs, and the volumes' disks. */
static int tbk_attached_show(struct tbk_attached *in, struct tbk_why *why)
{
	int err = tbk_sysfs_add_pool(in);

	if (err) {
		tbk_say(why, "%s cannot be shown in /sys/fs/thinback: error %d", in->name, -err);
		return err;
	}
	err = tbk_entries_fill(in, why);
	if (err)
		tbk_sysfs_remove_pool(in);
	return err;
}

/* For readers in sysfs the pool ends here. */
static int tbk_attached_close(struct tbk_attached *in, struct tbk_why *why)
{
	int err;

	down_write(&in->open);
	err = tbk_pool_close(in->pool, why);
	if (err != -EBUSY)
		in->pool = NULL;
	up_write(&in->open);
	return err;
}

static void tbk_attached_ready(struct tbk_attached *in)
{
	mutex_lock(&tbk_pools_lock);
	in->leaving = false;
	mutex_unlock(&tbk_pools_lock);
}

/* With the device open: the rest, or nothing. Once ready, @in may be detached at any time. */
static int tbk_attach_pool(struct tbk_attached *in, char *name, struct tbk_why *why)
{
	u32 flags = in->read_only ? TBK_POOL_READ_ONLY : 0;
	int err = tbk_pool_open(in->device, flags, &in->pool, why);

	if (err)
		return err;
	err = tbk_attached_join(in, why);
	if (err)
		goto close;
	err = tbk_attached_show(in, why);
	if (err)
		goto unjoin;
	__module_get(THIS_MODULE); /* until detached; the caller's open file has one as well */
	strscpy(name, in->name, TBK_NAME_MAX + 1);
	tbk_log(TBK_LOG_INFO, "pool %s attached from %s%s", in->name, in->path,
		in->read_only ? ", read-only" : "");
	tbk_attached_ready(in);
	return 0;
unjoin:
	tbk_attached_unjoin(in);
close:
	tbk_attached_close(in, NULL);
	return err;
}

int tbk_attach(const char *path, bool read_only, char name[static TBK_NAME_MAX + 1],
	       struct tbk_why *why)
{
	struct tbk_attached *in = tbk_attached_alloc(path, read_only);
	int err;

	if (!in)
		return -ENOMEM;
	err = tbk_attached_open_device(in, why);
	if (err)
		goto put;
	err = tbk_attach_pool(in, name, why);
	if (!err)
		return 0;
	tbk_bdev_close(in->device);
put:
	kobject_put(&in->kobj);
	return err;
}

/* Keep verbs out and wait for those that are in. */
static struct tbk_attached *tbk_attached_claim(const char *name, int *err, struct tbk_why *why)
{
	struct tbk_attached *in;

	mutex_lock(&tbk_pools_lock);
	in = tbk_attached_find(name);
	*err = tbk_attached_check(in, name, why);
	if (!*err)
		in->leaving = true;
	mutex_unlock(&tbk_pools_lock);
	if (*err)
		return NULL;
	if (!wait_event_killable(tbk_pools_put, !READ_ONCE(in->users)))
		return in;
	tbk_say(why, "interrupted while waiting for other commands on %s", name);
	tbk_attached_ready(in);
	*err = -EINTR;
	return NULL;
}

/* After its pool is closed: take the rest away. */
static void tbk_attached_end(struct tbk_attached *in)
{
	tbk_log(TBK_LOG_INFO, "pool %s detached", in->name);
	tbk_entries_drop(in);
	tbk_sysfs_remove_pool(in);
	tbk_attached_unjoin(in);
	tbk_bdev_close(in->device);
	kobject_put(&in->kobj);
	module_put(THIS_MODULE); /* not the last: the caller's open file has one */
}

int tbk_detach(const char *name, struct tbk_why *why)
{
	int err;
	struct tbk_attached *in = tbk_attached_claim(name, &err, why);

	if (!in)
		return err;
	err = tbk_entries_hold(in, why);
	if (err)
		goto ready;
	err = tbk_attached_close(in, why);
	if (err == -EBUSY)
		goto unhold;
	tbk_attached_end(in);
	return err;
unhold:
	tbk_entries_unhold(in);
ready:
	tbk_attached_ready(in);
	return err;
}
