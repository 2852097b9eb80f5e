// SPDX-License-Identifier: GPL-2.0
/* entry.h: C on the outside, the store's classes inside. Errors become errnos here. */
#include <thinback/entry.h>

#include "handle.h"
#include "make.h"

using namespace thinback;

namespace {

int result(const Status &status, struct tbk_why *why)
{
	if (!status.is_ok() && why && why->text[0] == 0)
		tbk_format(why->text, sizeof(why->text), "%s", to_text(status.error()));
	return to_errno(status.error());
}

void clear(struct tbk_why *why)
{
	if (why)
		*why = {};
}

} // namespace

int tbk_pool_open(struct tbk_device *device, tbk_u32 flags, struct tbk_pool **out,
		  struct tbk_why *why)
{
	clear(why);
	auto handle = make<struct tbk_pool>();

	if (!handle.is_ok())
		return result(handle.error(), why);
	auto opened = Pool::open(*device, flags, why);

	if (!opened.is_ok())
		return result(opened.error(), why);
	handle.value()->pool = opened.release();
	*out = handle.value().release();
	return 0;
}

int tbk_pool_close(struct tbk_pool *pool, struct tbk_why *why)
{
	struct tbk_object_info info {};

	clear(why);
	for (u32 id = 0; pool->pool->next(id, info).is_ok(); id = info.id) {
		if (info.open == 0)
			continue;
		TBK_EXPLAIN(why, "%s/%s%s%s is in use", pool->pool->name(), info.volume,
			    info.snapshot[0] ? "@" : "", info.snapshot);
		return -TBK_EBUSY;
	}
	const Status closed = pool->pool->close();

	Owned<struct tbk_pool>::adopt(pool).reset();
	return result(closed, why);
}

int tbk_pool_sync(struct tbk_pool *pool)
{
	return result(pool->pool->sync(), nullptr);
}

int tbk_pool_grow(struct tbk_pool *pool, tbk_u64 *bytes, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->grow(*bytes, why), why);
}

int tbk_pool_settle(struct tbk_pool *pool)
{
	return result(pool->pool->settle(), nullptr);
}

void tbk_pool_describe(struct tbk_pool *pool, struct tbk_pool_info *info)
{
	pool->pool->info(*info);
}

int tbk_pool_next(struct tbk_pool *pool, tbk_u32 after, struct tbk_object_info *info)
{
	return result(pool->pool->next(after, *info), nullptr);
}

int tbk_pool_find(struct tbk_pool *pool, const char *volume, const char *snapshot,
		  struct tbk_object_info *info, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->find(volume, snapshot, *info, why), why);
}

int tbk_volume_create(struct tbk_pool *pool, const char *name, tbk_u64 bytes, tbk_u32 flags,
		      struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->create(name, bytes, flags, why), why);
}

int tbk_snapshot_create(struct tbk_pool *pool, const char *volume, const char *snapshot,
			struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->snapshot(volume, snapshot, why), why);
}

int tbk_clone_create(struct tbk_pool *pool, const char *volume, const char *snapshot,
		     const char *name, tbk_u64 bytes, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->clone(volume, snapshot, name, bytes, why), why);
}

int tbk_remove(struct tbk_pool *pool, const char *volume, const char *snapshot, tbk_u32 flags,
	       struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->remove(volume, snapshot, flags, why), why);
}

int tbk_rename(struct tbk_pool *pool, const char *volume, const char *snapshot, const char *to,
	       struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->rename(volume, snapshot, to, why), why);
}

int tbk_rollback(struct tbk_pool *pool, const char *volume, const char *snapshot, const char *keep,
		 struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->rollback(volume, snapshot, keep, why), why);
}

int tbk_volume_resize(struct tbk_pool *pool, const char *volume, tbk_u64 bytes, tbk_u32 flags,
		      struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->resize(volume, bytes, flags, why), why);
}

int tbk_volume_limit(struct tbk_pool *pool, const char *volume,
		     const struct tbk_volume_limits *limits, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->limit(volume, *limits, why), why);
}

int tbk_pool_marks(struct tbk_pool *pool, tbk_u32 low, tbk_u32 critical, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->set_marks(low, critical, why), why);
}

int tbk_pool_set_policy(struct tbk_pool *pool, const struct tbk_pool_policy *policy,
			struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->set_policy(*policy, why), why);
}

int tbk_pool_tune(struct tbk_pool *pool, const struct tbk_pool_tuning *tuning, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->tune(*tuning, why), why);
}

int tbk_pool_scrub(struct tbk_pool *pool, tbk_u32 flags, struct tbk_why *why)
{
	clear(why);
	return result(pool->pool->scrub(flags, why), why);
}

void tbk_pool_scrub_wait(struct tbk_pool *pool)
{
	pool->pool->scrubber().wait();
}

void tbk_pool_listen(struct tbk_pool *pool, const struct tbk_pool_listener *listener)
{
	pool->pool->watch().listen(*listener);
}

int tbk_volume_open(struct tbk_pool *pool, const char *volume, const char *snapshot, tbk_u32 flags,
		    struct tbk_volume **out, struct tbk_why *why)
{
	clear(why);
	auto handle = make<struct tbk_volume>();

	if (!handle.is_ok())
		return result(handle.error(), why);
	auto opened = pool->pool->open_volume(volume, snapshot, why);

	if (!opened.is_ok())
		return result(opened.error(), why);
	handle.value()->pool = pool->pool.get();
	handle.value()->volume = opened.value();
	handle.value()->read_only = (flags & TBK_OPEN_READ_ONLY) || opened.value()->is_snapshot() ||
				    pool->pool->is_read_only();
	*out = handle.value().release();
	return 0;
}

void tbk_volume_close(struct tbk_volume *volume)
{
	volume->pool->close_volume(*volume->volume);
	Owned<struct tbk_volume>::adopt(volume).reset();
}

void tbk_volume_info(struct tbk_volume *volume, struct tbk_object_info *info)
{
	volume->pool->describe(*volume->volume, *info);
}

void tbk_volume_leave(struct tbk_volume *volume)
{
	volume->leaving.store_release(1);
	volume->volume->io->look_again();
}

void tbk_volume_stay(struct tbk_volume *volume)
{
	volume->leaving.store_release(0);
}

tbk_u64 tbk_volume_size(struct tbk_volume *volume)
{
	return volume->volume->size() * format::block_size;
}

tbk_u32 tbk_volume_sector(struct tbk_volume *volume)
{
	return volume->volume->sector();
}

int tbk_volume_read_only(struct tbk_volume *volume)
{
	return volume->read_only;
}

void tbk_volume_submit(struct tbk_volume *volume, struct tbk_request *request)
{
	if (volume->read_only && request->op != TBK_OP_READ && request->op != TBK_OP_FLUSH) {
		request->error = -TBK_EROFS;
		request->done(request);
		return;
	}
	volume->volume->io->submit(*request, &volume->leaving);
}

int tbk_pool_read_stats(struct tbk_pool *pool, const char *volume, enum tbk_stat kind,
			struct tbk_op_stats *stats)
{
	return result(pool->pool->read_stats(volume, kind, *stats), nullptr);
}

int tbk_pool_format(struct tbk_device *device, const struct tbk_format_options *options,
		    struct tbk_why *why)
{
	clear(why);
	return result(make_pool(*device, *options, why), why);
}
