// SPDX-License-Identifier: GPL-2.0
/* Finding volumes and snapshots, and opening them for requests. */
#include "pool.h"

namespace thinback {
namespace {

void copy_name(char *to, const Name &from)
{
	__builtin_memcpy(to, from.text, format::name_size);
}

} // namespace

void Pool::describe_locked(Volume &volume, struct tbk_object_info &info)
{
	info = {};
	copy_name(info.volume, volume.is_snapshot() ? volume.of : volume.name);
	if (volume.is_snapshot())
		copy_name(info.snapshot, volume.name);
	if (volume.parent) {
		copy_name(info.parent_volume, volume.parent->of);
		copy_name(info.parent_snapshot, volume.parent->name);
	}
	__builtin_memcpy(info.uuid, volume.uuid, sizeof(info.uuid));
	info.id = volume.id;
	if (volume.is_snapshot())
		info.flags |= TBK_OBJECT_SNAPSHOT;
	if (volume.flags & format::catalog_hidden)
		info.flags |= TBK_OBJECT_HIDDEN;
	if (volume.flags & format::catalog_removing)
		info.flags |= TBK_OBJECT_REMOVING;
	if (volume.flags & format::catalog_large_sectors)
		info.flags |= TBK_OBJECT_LARGE_SECTORS;
	info.size = volume.size() * format::block_size;
	info.created = volume.created;
	info.children = volume.children;
	info.open = volume.opens;
	const Limits limits = volume.allowance.limits();

	info.quota = limits.quota * format::block_size;
	info.reserve = limits.reserve * format::block_size;
	info.on_full = static_cast<enum tbk_on_full>(limits.on_full);
	info.full_wait = limits.full_wait ? limits.full_wait : format::default_full_wait;
	info.detect_zeroes = limits.detect_zeroes;
	info.waiting = volume.io ? volume.io->waiting() : 0;
	MutexGuard guard(volume.lock);

	info.own = volume.usage.own * format::block_size;
	info.shared = (volume.usage.mapped - volume.usage.own) * format::block_size;
}

void Pool::describe(Volume &volume, struct tbk_object_info &info)
{
	MutexGuard guard(catalog_->lock());

	describe_locked(volume, info);
}

Status Pool::next(u32 after, struct tbk_object_info &info)
{
	MutexGuard guard(catalog_->lock());
	Volume *volume = catalog_->next(after);

	if (!volume)
		return Err::not_found;
	describe_locked(*volume, info);
	return {};
}

Status Pool::find(const char *volume, const char *snapshot, struct tbk_object_info &info, Why *why)
{
	MutexGuard guard(catalog_->lock());
	Volume *found = catalog_->find(volume, snapshot);

	if (!found) {
		TBK_EXPLAIN(why, "there is no %s %s/%s%s%s",
			    snapshot && snapshot[0] ? "snapshot" : "volume", name_.text, volume,
			    snapshot && snapshot[0] ? "@" : "", snapshot ? snapshot : "");
		return Err::not_found;
	}
	describe_locked(*found, info);
	return {};
}

Status Pool::read_stats(const char *volume, enum tbk_stat kind, struct tbk_op_stats &stats)
{
	MutexGuard guard(catalog_->lock());
	const Volume *found = catalog_->find(volume, nullptr);

	if (!found)
		return Err::not_found;
	found->stats.read(kind, stats);
	return {};
}

Result<Volume *> Pool::open_volume(const char *volume, const char *snapshot, Why *why)
{
	MutexGuard guard(catalog_->lock());
	Volume *found = TBK_TRY(require(volume, snapshot, why));

	if (found->opens == 0) {
		Owned<VolumeIo> io = TBK_TRY(make<VolumeIo>(*this, *found));

		TBK_TRY(found->stats.init());
		TBK_TRY(io->init());
		found->io = io.release();
	}
	found->opens++;
	return found;
}

void Pool::close_volume(Volume &volume)
{
	MutexGuard guard(catalog_->lock());

	TBK_ASSERT(volume.opens > 0);
	if (--volume.opens > 0)
		return;
	volume.io->stop();
	Owned<VolumeIo>::adopt(volume.io).reset();
	volume.io = nullptr;
}

} // namespace thinback
