// SPDX-License-Identifier: GPL-2.0
/* /sys/fs/thinback: a folder for each pool, and in its volumes/ one for each volume. */
#include <linux/fs.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/wait.h>

#include "module.h"
#include "sysfs.h"

static struct kset *tbk_kset; /* uevents come from what lies in it */

/* Kobjects of ours there are: their release is our code. */
static atomic_t tbk_kobjects;
static DECLARE_WAIT_QUEUE_HEAD(tbk_kobjects_gone);

void tbk_sysfs_count(void)
{
	atomic_inc(&tbk_kobjects);
}

void tbk_sysfs_uncount(void)
{
	if (atomic_dec_and_test(&tbk_kobjects))
		wake_up_all(&tbk_kobjects_gone);
}

struct tbk_pool_attribute {
	struct attribute attr;
	ssize_t (*show)(struct tbk_attached *in, const struct tbk_pool_info *info, char *page);
};

static struct tbk_attached *tbk_kobj_pool(struct kobject *kobj)
{
	return container_of(kobj, struct tbk_attached, kobj);
}

static ssize_t tbk_pool_attr_show(struct kobject *kobj, struct attribute *attr, char *page)
{
	struct tbk_pool_attribute *attribute = container_of(attr, struct tbk_pool_attribute, attr);
	struct tbk_attached *in = tbk_kobj_pool(kobj);
	struct tbk_pool_info info;
	ssize_t length = -ENODEV;

	down_read(&in->open);
	if (in->pool) {
		tbk_pool_describe(in->pool, &info);
		length = attribute->show(in, &info, page);
	}
	up_read(&in->open);
	return length;
}

#define TBK_POOL_ATTR(name, ...)                                                              \
	static ssize_t name##_show(struct tbk_attached *in, const struct tbk_pool_info *info, \
				   char *page)                                                \
	{                                                                                     \
		return sysfs_emit(page, __VA_ARGS__);                                         \
	}                                                                                     \
	static struct tbk_pool_attribute name##_attr = __ATTR_RO(name)

static const char *tbk_pool_state(const struct tbk_attached *in, const struct tbk_pool_info *info)
{
	if (info->flags & TBK_POOL_FAILED)
		return "failed";
	return in->read_only ? "read-only" : "ok";
}

TBK_POOL_ATTR(uuid, "%pUb\n", info->uuid);
TBK_POOL_ATTR(device, "%s\n", in->path);
TBK_POOL_ATTR(size, "%llu\n", info->size);
TBK_POOL_ATTR(free, "%llu\n", info->free);
TBK_POOL_ATTR(freeing, "%llu\n", info->freeing);
TBK_POOL_ATTR(metadata, "%llu\n", info->metadata);
TBK_POOL_ATTR(promised, "%llu\n", info->promised);
TBK_POOL_ATTR(generation, "%llu\n", info->generation);
TBK_POOL_ATTR(checkpoint, "%llu\n", info->checkpoint);
static const char *const tbk_levels[] = {
	[TBK_LEVEL_OK] = "ok",
	[TBK_LEVEL_LOW] = "low",
	[TBK_LEVEL_CRITICAL] = "critical",
	[TBK_LEVEL_FULL] = "full",
};

TBK_POOL_ATTR(reserved, "%llu\n", info->reserved);
TBK_POOL_ATTR(level, "%s\n", tbk_levels[info->level]);
TBK_POOL_ATTR(low, "%u.%u\n", info->low / 10, info->low % 10);
TBK_POOL_ATTR(critical, "%u.%u\n", info->critical / 10, info->critical % 10);
TBK_POOL_ATTR(state, "%s\n", tbk_pool_state(in, info));

static struct attribute *tbk_pool_attrs[] = {
	&uuid_attr.attr,     &device_attr.attr,	    &size_attr.attr,
	&free_attr.attr,     &freeing_attr.attr,    &metadata_attr.attr,
	&promised_attr.attr, &generation_attr.attr, &checkpoint_attr.attr,
	&state_attr.attr,    &reserved_attr.attr,   &level_attr.attr,
	&low_attr.attr,	     &critical_attr.attr,   NULL,
};
ATTRIBUTE_GROUPS(tbk_pool);

static void tbk_pool_release(struct kobject *kobj)
{
	struct tbk_attached *in = tbk_kobj_pool(kobj);

	mutex_destroy(&in->lock);
	kfree(in);
	tbk_sysfs_uncount();
}

static const struct sysfs_ops tbk_pool_sysfs_ops = {
	.show = tbk_pool_attr_show,
};

static struct kobj_type tbk_pool_ktype = {
	.release = tbk_pool_release,
	.sysfs_ops = &tbk_pool_sysfs_ops,
	.default_groups = tbk_pool_groups,
};

void tbk_sysfs_init_pool(struct tbk_attached *in)
{
	tbk_sysfs_count();
	kobject_init(&in->kobj, &tbk_pool_ktype);
}

int tbk_sysfs_add_pool(struct tbk_attached *in)
{
	int err;

	/* The folder's own files stand beside the pools' folders. */
	if (!strcmp(in->name, "version"))
		return -EEXIST;
	in->kobj.kset = tbk_kset;
	err = kobject_add(&in->kobj, NULL, "%s", in->name);
	if (err)
		return err;
	in->volumes = kobject_create_and_add("volumes", &in->kobj);
	if (!in->volumes) {
		kobject_del(&in->kobj);
		return -ENOMEM;
	}
	kobject_uevent(&in->kobj, KOBJ_ADD);
	in->listener.level = tbk_pool_level_changed;
	in->listener.quota = tbk_pool_quota_reached;
	in->listener.context = in;
	tbk_pool_listen(in->pool, &in->listener);
	return 0;
}

void tbk_sysfs_remove_pool(struct tbk_attached *in)
{
	kobject_put(in->volumes);
	kobject_del(&in->kobj);
}

/* A change of the pool's folder, with what every event of ours says, then @lines. */
static void tbk_pool_event(struct tbk_attached *in, char *lines[static 5])
{
	char pool[sizeof("THINBACK_POOL=") + TBK_NAME_MAX];
	char *device = kasprintf(GFP_NOIO, "THINBACK_DEVICE=%s", in->path);
	char *env[] = { pool, lines[0], lines[1], lines[2], lines[3], lines[4], NULL, NULL };
	unsigned int noio = memalloc_noio_save();
	int last = 0;

	snprintf(pool, sizeof(pool), "THINBACK_POOL=%s", in->name);
	while (env[last])
		last++;
	env[last] = device;
	kobject_uevent_env(&in->kobj, KOBJ_CHANGE, env);
	memalloc_noio_restore(noio);
	kfree(device);
}

/* Writes may be waiting for whoever frees space to be told: memory comes without I/O. */
static void tbk_pool_level_changed(void *context, enum tbk_pool_level level, tbk_u64 free,
				   tbk_u64 size)
{
	struct tbk_attached *in = context;
	char level_line[32], free_line[48], size_line[48];
	char *lines[5] = { "THINBACK_EVENT=level", level_line, free_line, size_line, NULL };

	snprintf(level_line, sizeof(level_line), "THINBACK_LEVEL=%s", tbk_levels[level]);
	snprintf(free_line, sizeof(free_line), "THINBACK_FREE=%llu", free);
	snprintf(size_line, sizeof(size_line), "THINBACK_SIZE=%llu", size);
	tbk_log(level > TBK_LEVEL_LOW ? TBK_LOG_WARNING : TBK_LOG_INFO,
		"pool %s: level %s, %llu of %llu bytes are free", in->name, tbk_levels[level], free,
		size);
	sysfs_notify(&in->kobj, NULL, "level");
	tbk_pool_event(in, lines);
}

static void tbk_pool_quota_reached(void *context, const char *volume)
{
	struct tbk_attached *in = context;
	char volume_line[sizeof("THINBACK_VOLUME=") + TBK_NAME_MAX];
	char *lines[5] = { "THINBACK_EVENT=quota", volume_line, NULL };

	snprintf(volume_line, sizeof(volume_line), "THINBACK_VOLUME=%s", volume);
	tbk_log(TBK_LOG_WARNING, "%s/%s has reached its quota", in->name, volume);
	tbk_pool_event(in, lines);
}

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr, char *page)
{
	return sysfs_emit(page, "%s\n", TBK_VERSION);
}

static struct kobj_attribute version_attr = __ATTR_RO(version);

int tbk_sysfs_init(void)
{
	int err;

	tbk_kset = kset_create_and_add("thinback", NULL, fs_kobj);
	if (!tbk_kset)
		return -ENOMEM;
	err = sysfs_create_file(&tbk_kset->kobj, &version_attr.attr);
	if (err)
		kset_unregister(tbk_kset);
	return err;
}

void tbk_sysfs_exit(void)
{
	wait_event(tbk_kobjects_gone, !atomic_read(&tbk_kobjects));
	sysfs_remove_file(&tbk_kset->kobj, &version_attr.attr);
	kset_unregister(tbk_kset);
}
