// SPDX-License-Identifier: GPL-2.0
/* What pools.c and objects.c are to control.c: one pool, without device nodes. */
#include "../../drivers/linux/pools.h"
#include "../../drivers/linux/why.h"
#include "control_fuzz.h"

static struct tbk_attached only;
static int users;

void tbk_fuzz_set_device(struct tbk_device *device)
{
	static bool is_registered;

	if (!is_registered)
		is_registered = tbk_control_init() == 0;
	memset(&only, 0, sizeof(only));
	only.device = device;
	only.serial = 1;
}

void tbk_fuzz_detach(void)
{
	TBK_ASSERT(users == 0);
	if (only.pool)
		(void)tbk_pool_close(only.pool, NULL);
	only.pool = NULL;
}

int tbk_attach(const char *path, bool read_only, char name[static TBK_NAME_MAX + 1],
	       struct tbk_why *why)
{
	struct tbk_pool_info info;
	int err;

	if (strcmp(path, "/dev/tank") != 0)
		return -ENOENT;
	if (only.pool)
		return -EBUSY;
	err = tbk_pool_open(only.device, read_only ? TBK_POOL_READ_ONLY : 0, &only.pool, why);
	if (err)
		return err;
	tbk_pool_describe(only.pool, &info);
	strscpy(only.name, info.name, sizeof(only.name));
	strscpy(only.path, path, sizeof(only.path));
	only.read_only = read_only;
	strscpy(name, info.name, TBK_NAME_MAX + 1);
	return 0;
}

int tbk_detach(const char *name, struct tbk_why *why)
{
	int err;

	if (!only.pool || strcmp(name, only.name) != 0)
		return -ENOENT;
	err = tbk_pool_close(only.pool, why);
	only.pool = NULL;
	return err;
}

struct tbk_attached *tbk_attached_get(const char *name, int *err, struct tbk_why *why)
{
	*err = only.pool && !strcmp(name, only.name) ? 0 : -ENOENT;
	if (*err)
		tbk_say(why, "there is no attached pool %s", name);
	else
		users++;
	return *err ? NULL : &only;
}

struct tbk_attached *tbk_attached_next(u64 serial)
{
	if (!only.pool || serial >= only.serial)
		return NULL;
	users++;
	return &only;
}

void tbk_attached_put(struct tbk_attached *in)
{
	TBK_ASSERT(in == &only && users > 0);
	users--;
}

int tbk_object_create(struct tbk_attached *in, const char *volume, u64 bytes, u32 flags,
		      struct tbk_why *why)
{
	return tbk_volume_create(in->pool, volume, bytes, flags, why);
}

int tbk_object_clone(struct tbk_attached *in, const struct tbk_clone_plan *plan,
		     struct tbk_why *why)
{
	struct tbk_object_info info;

	if (plan->if_missing && !tbk_pool_find(in->pool, plan->name, NULL, &info, NULL))
		return 0;
	return tbk_clone_create(in->pool, plan->volume, plan->snapshot, plan->name, plan->bytes,
				why);
}

int tbk_object_remove(struct tbk_attached *in, const char *volume, const char *snapshot, u32 flags,
		      struct tbk_why *why)
{
	return tbk_remove(in->pool, volume, snapshot, flags, why);
}

int tbk_object_rename(struct tbk_attached *in, const char *volume, const char *snapshot,
		      const char *to, struct tbk_why *why)
{
	return tbk_rename(in->pool, volume, snapshot, to, why);
}

int tbk_object_rollback(struct tbk_attached *in, const char *volume, const char *snapshot,
			const char *keep, struct tbk_why *why)
{
	return tbk_rollback(in->pool, volume, snapshot, keep, why);
}

int tbk_object_resize(struct tbk_attached *in, const char *volume, u64 bytes, u32 flags,
		      struct tbk_why *why)
{
	return tbk_volume_resize(in->pool, volume, bytes, flags, why);
}

int tbk_object_map(struct tbk_attached *in, const char *volume, const char *snapshot,
		   struct tbk_why *why)
{
	struct tbk_object_info info;

	return tbk_pool_find(in->pool, volume, snapshot, &info, why);
}

int tbk_object_unmap(struct tbk_attached *in, const char *volume, const char *snapshot,
		     struct tbk_why *why)
{
	return tbk_object_map(in, volume, snapshot, why);
}

bool tbk_object_use(struct tbk_attached *in, u32 id, struct tbk_disk_use *use)
{
	memset(use, 0, sizeof(*use));
	use->domid = -1;
	return id % 2;
}

void tbk_object_node(const struct tbk_attached *in, const char *volume, const char *snapshot,
		     char *node, size_t size)
{
	tbk_format(node, size, "/dev/thinback/%s/%s%s%s", in->name, volume, snapshot[0] ? "@" : "",
		   snapshot);
}
