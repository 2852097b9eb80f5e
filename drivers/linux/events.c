// SPDX-License-Identifier: GPL-2.0
/* What udev, and who polls sysfs, are told of a pool whose space runs short. */
#include <linux/kobject.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "sysfs.h"

const char *tbk_level_name(enum tbk_pool_level level)
{
	static const char *const names[] = {
		[TBK_LEVEL_OK] = "ok",
		[TBK_LEVEL_LOW] = "low",
		[TBK_LEVEL_CRITICAL] = "critical",
		[TBK_LEVEL_FULL] = "full",
	};

	return names[level];
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

	snprintf(level_line, sizeof(level_line), "THINBACK_LEVEL=%s", tbk_level_name(level));
	snprintf(free_line, sizeof(free_line), "THINBACK_FREE=%llu", free);
	snprintf(size_line, sizeof(size_line), "THINBACK_SIZE=%llu", size);
	tbk_log(level > TBK_LEVEL_LOW ? TBK_LOG_WARNING : TBK_LOG_INFO,
		"pool %s: level %s, %llu of %llu bytes are free", in->name, tbk_level_name(level),
		free, size);
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

void tbk_events_start(struct tbk_attached *in)
{
	in->listener.level = tbk_pool_level_changed;
	in->listener.quota = tbk_pool_quota_reached;
	in->listener.context = in;
	tbk_pool_listen(in->pool, &in->listener);
}
