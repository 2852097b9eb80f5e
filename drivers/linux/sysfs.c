// SPDX-License-Identifier: GPL-2.0
/* /sys/fs/thinback: a folder for each pool, and in its volumes/ one for each volume. */
#include <linux/fs.h>
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
	u32 tune; /* TBK_TUNE_*: what writing it sets; 0: it is only read */
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

static ssize_t tbk_pool_attr_store(struct kobject *kobj, struct attribute *attr, const char *page,
				   size_t count)
{
	struct tbk_pool_attribute *attribute = container_of(attr, struct tbk_pool_attribute, attr);
	struct tbk_attached *in = tbk_kobj_pool(kobj);
	struct tbk_pool_tuning tuning = { .set = attribute->tune };
	u64 bytes;
	int err = kstrtou64(page, 0, &bytes);

	if (err)
		return err;
	/* Only what is to be set is looked at. */
	tuning.cache = bytes;
	tuning.dirty = bytes;
	tuning.journal = bytes;
	tuning.scrub_rate = bytes;
	tuning.remove_rate = bytes;
	down_read(&in->open);
	err = in->pool ? tbk_pool_tune(in->pool, &tuning, NULL) : -ENODEV;
	up_read(&in->open);
	return err ? err : count;
}

#define TBK_POOL_ATTR(name, ...)                                                              \
	static ssize_t name##_show(struct tbk_attached *in, const struct tbk_pool_info *info, \
				   char *page)                                                \
	{                                                                                     \
		return sysfs_emit(page, __VA_ARGS__);                                         \
	}                                                                                     \
	static struct tbk_pool_attribute name##_attr = __ATTR_RO(name)

/* One that can be written as well. */
#define TBK_POOL_TUNE(file, what)                                                             \
	static ssize_t file##_show(struct tbk_attached *in, const struct tbk_pool_info *info, \
				   char *page)                                                \
	{                                                                                     \
		return sysfs_emit(page, "%llu\n", info->file);                                \
	}                                                                                     \
	static struct tbk_pool_attribute file##_attr = {                                      \
		.attr = { .name = #file, .mode = 0644 },                                      \
		.show = file##_show,                                                          \
		.tune = what,                                                                 \
	}

static const char *tbk_pool_state(const struct tbk_attached *in, const struct tbk_pool_info *info)
{
	if (info->flags & TBK_POOL_FAILED)
		return "failed";
	return in->read_only ? "read-only" : "ok";
}

static const char *tbk_scrub_state(const struct tbk_pool_info *info)
{
	static const char *const names[] = { "idle", "running", "done" };

	return names[info->scrub_state];
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
TBK_POOL_ATTR(reserved, "%llu\n", info->reserved);
TBK_POOL_ATTR(level, "%s\n", tbk_level_name(info->level));
TBK_POOL_ATTR(low, "%u.%u\n", info->low / 10, info->low % 10);
TBK_POOL_ATTR(critical, "%u.%u\n", info->critical / 10, info->critical % 10);
TBK_POOL_ATTR(discard, "%u\n", info->discard);
TBK_POOL_ATTR(scrub_freed, "%u\n", info->scrub_freed);
TBK_POOL_ATTR(discard_rate, "%llu\n", info->discard_rate);
TBK_POOL_ATTR(state, "%s\n", tbk_pool_state(in, info));
TBK_POOL_ATTR(cache_bytes, "%llu\n", info->cache);
TBK_POOL_TUNE(cache_limit, TBK_TUNE_CACHE);
TBK_POOL_TUNE(dirty_limit, TBK_TUNE_DIRTY);
TBK_POOL_TUNE(journal_limit, TBK_TUNE_JOURNAL);
TBK_POOL_TUNE(remove_rate, TBK_TUNE_REMOVE);
TBK_POOL_TUNE(scrub_rate, TBK_TUNE_SCRUB);
TBK_POOL_ATTR(scrub_state, "%s\n", tbk_scrub_state(info));
TBK_POOL_ATTR(scrub_done, "%llu\n", info->scrub_done);
TBK_POOL_ATTR(scrub_total, "%llu\n", info->scrub_total);
TBK_POOL_ATTR(scrub_found, "%llu\n", info->scrub_found);
TBK_POOL_ATTR(scrub_healed, "%llu\n", info->scrub_healed);

static struct attribute *tbk_pool_attrs[] = {
	&uuid_attr.attr,
	&device_attr.attr,
	&size_attr.attr,
	&free_attr.attr,
	&freeing_attr.attr,
	&metadata_attr.attr,
	&promised_attr.attr,
	&generation_attr.attr,
	&checkpoint_attr.attr,
	&state_attr.attr,
	&reserved_attr.attr,
	&level_attr.attr,
	&low_attr.attr,
	&critical_attr.attr,
	&discard_attr.attr,
	&scrub_freed_attr.attr,
	&discard_rate_attr.attr,
	&cache_bytes_attr.attr,
	&cache_limit_attr.attr,
	&dirty_limit_attr.attr,
	&journal_limit_attr.attr,
	&remove_rate_attr.attr,
	&scrub_rate_attr.attr,
	&scrub_state_attr.attr,
	&scrub_done_attr.attr,
	&scrub_total_attr.attr,
	&scrub_found_attr.attr,
	&scrub_healed_attr.attr,
	NULL,
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
	.store = tbk_pool_attr_store,
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
	tbk_events_start(in);
	return 0;
}

void tbk_sysfs_remove_pool(struct tbk_attached *in)
{
	kobject_put(in->volumes);
	kobject_del(&in->kobj);
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
