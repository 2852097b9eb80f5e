// SPDX-License-Identifier: GPL-2.0
/* What changes volumes that there are: names, content, sizes, limits. */
#include "model.h"

namespace thinback {
namespace {

constexpr u64 sectors_per_block = 8;

} // namespace

/* The volume that a snapshot is of. */
ModelDisk *Model::volume_of(const ModelDisk &snapshot)
{
	for (ModelDisk &disk : disks_) {
		if (disk.exists && !disk.is_snapshot && same(disk.volume, snapshot.volume))
			return &disk;
	}
	return nullptr;
}

/* What it is renamed or turned into may be open nowhere, nor its snapshots. */
void Model::close_all_of(const ModelDisk &volume)
{
	for (ModelDisk &disk : disks_) {
		if (disk.exists && same(disk.volume, volume.volume))
			close(disk);
	}
}

void Model::rename()
{
	struct tbk_why why {};
	ModelDisk *disk = pick(random_.one_in(2));
	char to[24];
	char before[24];

	if (!disk)
		return;
	tbk_format(to, sizeof(to), "%s%u", disk->is_snapshot ? "s" : "v", names_++);
	copy_text(before, disk->volume);
	close_all_of(*disk);
	TBK_SAY("rename %s@%s to %s", disk->volume, disk->snapshot, to);
	const int error = tbk_rename(pool_, disk->volume, disk->snapshot, to, &why);

	if (error && error != -TBK_ENOSPC)
		fail(disk, why.text, error);
	if (error)
		return;
	if (disk->is_snapshot)
		copy_text(disk->snapshot, to);
	for (ModelDisk &other : disks_) {
		if (!disk->is_snapshot && &other != disk && same(other.volume, before))
			copy_text(other.volume, to);
	}
	if (!disk->is_snapshot)
		copy_text(disk->volume, to);
}

/* The volume starts anew as its snapshot; @kept, if any, becomes what it was. */
void Model::take_content(ModelDisk &volume, const ModelDisk &snapshot, ModelDisk *kept)
{
	auto *tags = static_cast<u32 *>(tbk_big_alloc(snapshot.sectors * sizeof(u32)));

	if (!tags) {
		fail(&volume, "no memory for sectors", static_cast<s64>(snapshot.sectors));
		return;
	}
	__builtin_memcpy(tags, snapshot.tags, snapshot.sectors * sizeof(u32));
	if (kept) {
		__builtin_memcpy(kept->tags, volume.tags, volume.sectors * sizeof(u32));
		kept->exists = true;
	}
	tbk_big_free(volume.tags);
	volume.tags = tags;
	volume.sectors = snapshot.sectors;
}

void Model::rollback()
{
	struct tbk_why why {};
	ModelDisk *to = pick(true);
	ModelDisk *disk = to ? volume_of(*to) : nullptr;
	ModelDisk *kept = disk && random_.one_in(2) ? new_disk(disk->sectors) : nullptr;

	if (!disk)
		return;
	if (kept) {
		kept->is_snapshot = true;
		tbk_format(kept->snapshot, sizeof(kept->snapshot), "k%u", names_++);
		copy_text(kept->volume, disk->volume);
	}
	close(*disk);
	TBK_SAY("roll %s back to %s, keep %s", disk->volume, to->snapshot,
		kept ? kept->snapshot : "nothing");
	const int error = tbk_rollback(pool_, disk->volume, to->snapshot,
				       kept ? kept->snapshot : nullptr, &why);

	if (error && error != -TBK_ENOSPC)
		fail(disk, why.text, error);
	if (!error)
		take_content(*disk, *to, kept);
}

/* It may be open, with requests under way; with none that would be cut off. */
void Model::resize()
{
	struct tbk_why why {};
	ModelDisk *disk = pick(false);
	const u64 sectors = (1 + random_.below(options_.most_blocks)) * sectors_per_block;

	if (!disk)
		return;
	if (sectors < disk->sectors || random_.one_in(2))
		wait_for(disk);
	auto *tags = static_cast<u32 *>(tbk_big_alloc(sectors * sizeof(u32)));
	TBK_SAY("resize %s from %llu to %llu sectors", disk->volume, disk->sectors, sectors);
	const int error =
		tbk_volume_resize(pool_, disk->volume, sectors * 512, TBK_RESIZE_SHRINK, &why);

	if (!tags || (error && error != -TBK_ENOSPC))
		fail(disk, why.text, error);
	if (failed_ || error || !tags) {
		tbk_big_free(tags);
		return;
	}
	__builtin_memcpy(tags, disk->tags, min(sectors, disk->sectors) * sizeof(u32));
	tbk_big_free(disk->tags);
	disk->tags = tags;
	disk->sectors = sectors;
}

void Model::limit()
{
	struct tbk_why why {};
	struct tbk_volume_limits limits {};
	ModelDisk *disk = pick(false);
	constexpr u64 unit = 256 * 1024;

	if (!disk)
		return;
	limits.set = TBK_LIMIT_ALL;
	limits.quota = random_.one_in(4) ? unit * (8 + random_.below(16)) : 0;
	limits.reserve = random_.one_in(2) ? unit * random_.below(8) : 0;
	TBK_SAY("quota %llu, reserve %llu for %s", limits.quota, limits.reserve, disk->volume);
	const int error = tbk_volume_limit(pool_, disk->volume, &limits, &why);

	if (error && error != -TBK_ENOSPC)
		fail(disk, why.text, error);
	if (error)
		return;
	disk->quota = limits.quota;
	disk->reserve = limits.reserve;
}

void Model::alter()
{
	const u64 dice = random_.below(10);

	if (dice < 3)
		rollback();
	else if (dice < 5)
		rename();
	else if (dice < 8)
		resize();
	else
		limit();
}

} // namespace thinback
