// SPDX-License-Identifier: GPL-2.0
/* What there is, for /dev/thinback-control: pools, and the objects of one. */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/thinback.h>
#include <linux/uaccess.h>

#include "control.h"
#include "pools.h"
#include "why.h"

/* One item as the kernel knows it. */
union tbk_item {
	struct thinback_pool pool;
	struct thinback_object object;
};

/* A list being filled. */
struct tbk_listing {
	struct thinback_list list;
	struct tbk_why why;
	union tbk_item item;
	struct tbk_object_info info;
};

static void tbk_fill_pool(struct thinback_pool *item, struct tbk_attached *in)
{
	struct tbk_pool_info info;

	tbk_pool_describe(in->pool, &info);
	memset(item, 0, sizeof(*item));
	strscpy(item->name, info.name, sizeof(item->name));
	memcpy(item->uuid, info.uuid, sizeof(item->uuid));
	strscpy(item->device, in->path, sizeof(item->device));
	item->size = info.size;
	item->free = info.free;
	item->freeing = info.freeing;
	item->metadata = info.metadata;
	item->promised = info.promised;
	item->generation = info.generation;
	item->checkpoint = info.checkpoint;
	item->volumes = info.volumes;
	item->snapshots = info.snapshots;
	item->hidden = info.hidden;
	item->reserved = info.reserved;
	item->level = info.level;
	item->low = info.low;
	item->critical = info.critical;
	item->discard = info.discard;
	item->scrub_freed = info.scrub_freed;
	item->discard_rate = info.discard_rate;
	item->scrub_state = info.scrub_state;
	item->scrub_done = info.scrub_done;
	item->scrub_total = info.scrub_total;
	item->scrub_found = info.scrub_found;
	item->scrub_healed = info.scrub_healed;
	if (info.flags & TBK_POOL_FAILED)
		item->flags |= THINBACK_POOL_FAILED;
	if (info.flags & TBK_POOL_CLEANING)
		item->flags |= THINBACK_POOL_CLEANING;
	if (in->read_only)
		item->flags |= THINBACK_POOL_READ_ONLY;
}

static u32 tbk_object_flags(const struct tbk_attached *in, const struct tbk_object_info *info)
{
	u32 flags = 0;

	if (info->flags & TBK_OBJECT_SNAPSHOT)
		flags |= THINBACK_SNAPSHOT;
	if (info->flags & TBK_OBJECT_HIDDEN)
		flags |= THINBACK_HIDDEN;
	if (info->flags & TBK_OBJECT_REMOVING)
		flags |= THINBACK_REMOVING;
	if (info->flags & TBK_OBJECT_LARGE_SECTORS)
		flags |= THINBACK_OBJECT_LARGE_SECTORS;
	if (in->read_only || (info->flags & TBK_OBJECT_SNAPSHOT))
		flags |= THINBACK_OBJECT_READ_ONLY;
	return flags;
}

/* The node's openers count: they hold the volume once for all. */
static void tbk_fill_use(struct thinback_object *item, struct tbk_attached *in)
{
	struct tbk_disk_use use;

	item->guest = -1;
	if (!tbk_object_use(in, item->id, &use))
		return;
	item->open = max(item->open, use.openers);
	item->guest = use.domid;
	strscpy(item->vdev, use.vdev, sizeof(item->vdev));
	tbk_object_node(in, item->volume, item->snapshot, item->node, sizeof(item->node));
}

static void tbk_fill_object(struct thinback_object *item, struct tbk_attached *in,
			    const struct tbk_object_info *info)
{
	memset(item, 0, sizeof(*item));
	strscpy(item->volume, info->volume, sizeof(item->volume));
	strscpy(item->snapshot, info->snapshot, sizeof(item->snapshot));
	strscpy(item->parent_volume, info->parent_volume, sizeof(item->parent_volume));
	strscpy(item->parent_snapshot, info->parent_snapshot, sizeof(item->parent_snapshot));
	memcpy(item->uuid, info->uuid, sizeof(item->uuid));
	item->id = info->id;
	item->flags = tbk_object_flags(in, info);
	item->bytes = info->size;
	item->own = info->own;
	item->shared = info->shared;
	item->created = info->created;
	item->children = info->children;
	item->open = info->open;
	item->quota = info->quota;
	item->reserve = info->reserve;
	item->on_full = info->on_full;
	item->full_wait = info->full_wait;
	item->waiting = info->waiting;
	item->detect_zeroes = info->detect_zeroes;
	tbk_fill_use(item, in);
}

/* Item @index of the caller's array; what the caller knows beyond us is zero. */
static int tbk_put_item(const struct thinback_list *list, u32 index, const void *item, size_t size)
{
	u8 __user *to = u64_to_user_ptr(list->items + (u64)index * list->item_size);
	size_t known = min_t(size_t, size, list->item_size);

	if (copy_to_user(to, item, known) || clear_user(to + known, list->item_size - known))
		return -EFAULT;
	return 0;
}

/* Context of both: @room items at most; list.count and list.cursor move on with each. */
static int tbk_list_pools(struct tbk_listing *l, u32 room)
{
	struct tbk_attached *in;
	int err = 0;

	while (!err && l->list.count < room) {
		in = tbk_attached_next(l->list.cursor);
		if (!in)
			break;
		tbk_fill_pool(&l->item.pool, in);
		l->list.cursor = in->serial;
		tbk_attached_put(in);
		err = tbk_put_item(&l->list, l->list.count++, &l->item.pool, sizeof(l->item.pool));
	}
	return err;
}

static int tbk_list_objects(struct tbk_listing *l, u32 room)
{
	struct tbk_attached *in;
	int err;

	if (l->list.cursor > U32_MAX)
		return -EINVAL;
	in = tbk_attached_get(l->list.pool, &err, &l->why);
	while (!err && l->list.count < room) {
		if (tbk_pool_next(in->pool, l->list.cursor, &l->info))
			break;
		tbk_fill_object(&l->item.object, in, &l->info);
		l->list.cursor = l->info.id;
		err = tbk_put_item(&l->list, l->list.count++, &l->item.object,
				   sizeof(l->item.object));
	}
	if (in)
		tbk_attached_put(in);
	return err;
}

static int tbk_list_run(unsigned int cmd, struct tbk_listing *l)
{
	u32 room = l->list.count;

	l->list.count = 0;
	if (!l->list.item_size || l->list.item_size > PAGE_SIZE ||
	    strnlen(l->list.pool, sizeof(l->list.pool)) == sizeof(l->list.pool))
		return -EINVAL;
	return cmd == THINBACK_LIST_POOLS ? tbk_list_pools(l, room) : tbk_list_objects(l, room);
}

int tbk_control_list(unsigned int cmd, void __user *arg)
{
	struct tbk_listing *l = kzalloc(sizeof(*l), GFP_KERNEL);
	u32 user_size;
	int err, fault;

	if (!l)
		return -ENOMEM;
	err = tbk_copy_in(&l->list, sizeof(l->list), arg, &user_size);
	if (!err) {
		err = tbk_list_run(cmd, l);
		strscpy(l->list.message, l->why.text, sizeof(l->list.message));
		strscpy(l->list.hint, l->why.hint, sizeof(l->list.hint));
		fault = tbk_copy_out(arg, &l->list, sizeof(l->list), user_size);
		err = err ? err : fault;
	}
	kfree(l);
	return err;
}
