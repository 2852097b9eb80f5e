// SPDX-License-Identifier: GPL-2.0
#include "model.h"

#include <thinback/base/container.h>

#include "../harness/check.h"

namespace thinback {
namespace {

constexpr u64 sectors_per_block = 8;

} // namespace

bool Model::same(const char *a, const char *b)
{
	return check::is_equal(a, b);
}

void Model::copy_text(char *to, const char *from)
{
	while ((*to++ = *from++))
		;
}

void run_model(struct kunit *test, struct tbk_device &device, const ModelOptions &options)
{
	auto model = make<Model>(test, device, options);

	REQUIRE_OK(model);
	if (model.value()->prepare())
		model.value()->run();
}

Model::Model(struct kunit *kunit, struct tbk_device &device, const ModelOptions &options)
	: test_(kunit), device_(device), options_(options)
{
	tbk_wait_init(&wait_);
}

Model::~Model()
{
	for (ModelDisk &disk : disks_) {
		close(disk);
		tbk_big_free(disk.tags);
	}
	if (pool_)
		tbk_pool_close(pool_, nullptr);
	for (ModelSlot &slot : slots_)
		tbk_big_free(slot.buffer);
	tbk_big_free(own_.buffer);
}

void Model::fail(const ModelDisk *disk, const char *what, s64 number)
{
	char text[256];

	if (failed_)
		return;
	failed_ = true;
	tbk_format(text, sizeof(text), "%s%s%s: %s %lld", disk ? disk->volume : "pool",
		   disk && disk->snapshot[0] ? "@" : "", disk ? disk->snapshot : "", what, number);
	tbk_test_failed(test_, __FILE__, __LINE__, text);
}

/* ---- the pool ---- */

bool Model::prepare()
{
	const struct tbk_format_options format = { "tank", { 1, 2, 3, 4, 5, 6, 7, 8 }, 0 };
	constexpr size_t bytes = most_sectors * 512ul;
	struct tbk_why why {};
	struct tbk_pool_info info {};

	own_.buffer = static_cast<u8 *>(tbk_big_alloc(bytes));
	own_.model = this;
	for (ModelSlot &slot : slots_) {
		slot.buffer = static_cast<u8 *>(tbk_big_alloc(bytes));
		slot.model = this;
		if (!slot.buffer)
			return false;
	}
	const int error = tbk_pool_format(&device_, &format, &why);

	if (error)
		fail(nullptr, why.text, error);
	if (!own_.buffer || error || !open_pool())
		return false;
	tbk_pool_describe(pool_, &info);
	empty_ = info.free;
	return true;
}

bool Model::open_pool()
{
	struct tbk_why why {};
	const int error = tbk_pool_open(&device_, 0, &pool_, &why);

	if (error) {
		pool_ = nullptr;
		fail(nullptr, why.text, error);
	}
	return !error;
}

bool Model::close_pool()
{
	struct tbk_why why {};

	for (ModelDisk &disk : disks_)
		close(disk);
	const int error = tbk_pool_close(pool_, &why);

	if (error)
		fail(nullptr, why.text, error);
	if (error != -TBK_EBUSY)
		pool_ = nullptr;
	return !error;
}

namespace {

/* What tbk_pool_check() reports to. */
struct Verdict {
	struct tbk_check check {};
	struct kunit *test = nullptr;
	bool is_clean = true;
};

} // namespace

void Model::found(struct tbk_check *check, enum tbk_finding_class kind, const char *text)
{
	Verdict &verdict = container_of<&Verdict::check>(check);

	(void)kind;
	verdict.is_clean = false;
	tbk_test_failed(verdict.test, __FILE__, __LINE__, text);
}

void Model::check_device()
{
	Verdict verdict;
	struct tbk_why why {};

	verdict.test = test_;
	verdict.check.found = found;
	const int error = tbk_pool_check(&device_, &verdict.check, &why);

	if (error)
		fail(nullptr, why.text, error);
	failed_ |= !verdict.is_clean;
}

void Model::check_listing()
{
	struct tbk_object_info info {};
	u32 seen = 0;

	for (u32 id = 0; tbk_pool_next(pool_, id, &info) == 0; id = info.id) {
		if (info.flags & (TBK_OBJECT_HIDDEN | TBK_OBJECT_REMOVING))
			continue;
		seen++;
		for (const ModelDisk &disk : disks_) {
			if (!disk.exists || !same(disk.volume, info.volume) ||
			    !same(disk.snapshot, info.snapshot))
				continue;
			if (info.size != disk.sectors * 512)
				fail(&disk, "is of another size", static_cast<s64>(info.size));
			if (info.quota != disk.quota || info.reserve != disk.reserve)
				fail(&disk, "has another quota or reserve",
				     static_cast<s64>(info.quota));
		}
	}
	if (seen != count(true) + count(false))
		fail(nullptr, "lists so many objects:", seen);
}

void Model::reopen()
{
	wait_for(nullptr);
	TBK_SAY("reopen");
	if (!close_pool())
		return;
	check_device();
	if (failed_ || !open_pool())
		return;
	check_listing();
	for (ModelDisk &disk : disks_) {
		if (disk.exists && random_.one_in(3))
			verify(disk);
	}
}

void Model::sync()
{
	const int error = random_.one_in(2) ? tbk_pool_sync(pool_) : tbk_pool_settle(pool_);

	TBK_SAY("sync");
	if (error)
		fail(nullptr, "sync", error);
	is_full_ = false;
}

/* ---- objects ---- */

u32 Model::count(bool snapshots) const
{
	u32 sum = 0;

	for (const ModelDisk &disk : disks_)
		sum += disk.exists && disk.is_snapshot == snapshots;
	return sum;
}

/* Any one, if there is any. */
ModelDisk *Model::pick(bool wants_snapshot)
{
	const u32 all = count(wants_snapshot);
	u64 skip = all ? random_.below(all) : 0;

	for (ModelDisk &disk : disks_) {
		if (disk.exists && disk.is_snapshot == wants_snapshot && skip-- == 0)
			return &disk;
	}
	return nullptr;
}

/* Not there until `exists` is set. NULL when there are enough. */
ModelDisk *Model::new_disk(u64 sectors)
{
	for (ModelDisk &disk : disks_) {
		if (disk.exists)
			continue;
		tbk_big_free(disk.tags);
		disk = {};
		disk.tags = static_cast<u32 *>(tbk_big_alloc(sectors * sizeof(u32)));
		disk.sectors = sectors;
		tbk_format(disk.volume, sizeof(disk.volume), "v%u", names_++);
		return disk.tags ? &disk : nullptr;
	}
	return nullptr;
}

void Model::create()
{
	struct tbk_why why {};
	ModelDisk *disk = new_disk((1 + random_.below(options_.most_blocks)) * sectors_per_block);

	if (!disk)
		return;
	TBK_SAY("create %s of %llu sectors", disk->volume, disk->sectors);
	const int error = tbk_volume_create(pool_, disk->volume, disk->sectors * 512, 0, &why);

	disk->exists = !error;
	if (error && error != -TBK_ENOSPC)
		fail(disk, why.text, error);
	if (!error && tbk_volume_create(pool_, disk->volume, 4096, 0, &why) != -TBK_EEXIST)
		fail(disk, "could be made twice", 0);
}

/* Writes in flight are in it or not. */
void Model::snapshot()
{
	struct tbk_why why {};
	ModelDisk *origin = pick(false);
	ModelDisk *disk = origin ? new_disk(origin->sectors) : nullptr;

	if (!disk)
		return;
	if (random_.one_in(2))
		wait_for(origin);
	reap();
	disk->is_snapshot = true;
	copy_text(disk->snapshot, disk->volume);
	disk->snapshot[0] = 's';
	copy_text(disk->volume, origin->volume);
	TBK_SAY("snapshot %s@%s", disk->volume, disk->snapshot);
	const int error = tbk_snapshot_create(pool_, disk->volume, disk->snapshot, &why);

	disk->exists = !error;
	if (error && error != -TBK_ENOSPC)
		fail(disk, why.text, error);
	if (error)
		return;
	__builtin_memcpy(disk->tags, origin->tags, origin->sectors * sizeof(u32));
	for (const ModelSlot &slot : slots_) {
		if (slot.disk == origin && slot.is_write)
			settle_doubt(*disk, slot.what);
	}
}

void Model::clone()
{
	struct tbk_why why {};
	ModelDisk *origin = pick(true);
	const u64 more = random_.one_in(2) ? sectors_per_block * random_.below(64) : 0;
	ModelDisk *disk = origin ? new_disk(origin->sectors + more) : nullptr;

	if (!disk)
		return;
	TBK_SAY("clone %s@%s to %s", origin->volume, origin->snapshot, disk->volume);
	const int error = tbk_clone_create(pool_, origin->volume, origin->snapshot, disk->volume,
					   more ? disk->sectors * 512 : 0, &why);

	disk->exists = !error;
	if (error && error != -TBK_ENOSPC)
		fail(disk, why.text, error);
	__builtin_memcpy(disk->tags, origin->tags, origin->sectors * sizeof(u32));
}

bool Model::has_snapshots(const ModelDisk &disk) const
{
	for (const ModelDisk &other : disks_) {
		if (other.exists && other.is_snapshot && same(other.volume, disk.volume))
			return true;
	}
	return false;
}

void Model::forget(ModelDisk &disk)
{
	disk.exists = false;
	if (disk.is_snapshot)
		return;
	for (ModelDisk &other : disks_) {
		if (other.exists && other.is_snapshot && same(other.volume, disk.volume))
			other.exists = false;
	}
}

void Model::remove()
{
	ModelDisk *disk = pick(random_.one_in(2));

	if (disk)
		remove(*disk);
}

void Model::remove(ModelDisk &target)
{
	struct tbk_why why {};
	ModelDisk *const disk = &target;
	const u32 flags = random_.one_in(2) ? TBK_REMOVE_RECURSIVE : 0;
	const bool is_refused = !disk->is_snapshot && !flags && has_snapshots(*disk);

	close(*disk);
	for (ModelDisk &other : disks_) {
		if (flags && !disk->is_snapshot && other.exists && same(other.volume, disk->volume))
			close(other);
	}
	TBK_SAY("remove %s@%s, flags %u", disk->volume, disk->snapshot, flags);
	const int error = tbk_remove(pool_, disk->volume, disk->snapshot, flags, &why);

	if (error != (is_refused ? -TBK_ENOTEMPTY : 0))
		fail(disk, why.text, error);
	if (!error)
		forget(*disk);
}

/* Some snapshots in any order; what they shared is merged, at the next opening if not before. */
void Model::thin_out(u32 percent, u32 reopen_every)
{
	for (u32 left = count(true) * percent / 100; left > 0 && !failed_; left--) {
		remove(*pick(true));
		if (!failed_ && random_.one_in(reopen_every))
			reopen();
	}
}

/* ---- what to do next ---- */

void Model::step()
{
	const u64 dice = random_.below(1000);
	ModelDisk *disk = pick(random_.one_in(8));

	if (count(false) == 0 || dice < 4) {
		create();
	} else if (dice < 10) {
		snapshot();
	} else if (dice < 15) {
		clone();
	} else if (dice < 27 || is_full_) {
		remove();
		is_full_ = false;
	} else if (dice < 29) {
		thin_out(50, 8);
	} else if (dice < 32) {
		sync();
	} else if (dice < 42) {
		alter();
	} else if (dice < 60 && disk) {
		flush(*disk);
	} else if (dice < 62 && disk) {
		verify(*disk);
	} else if (dice < 64 && disk) {
		close(*disk);
	} else if (dice < 70) {
		wait_for(nullptr);
	} else if (disk) {
		request(*disk);
	}
}

void Model::remove_everything()
{
	struct tbk_pool_info info {};
	struct tbk_why why {};

	for (ModelDisk &disk : disks_) {
		if (failed_ || !disk.exists)
			continue;
		verify(disk);
	}
	thin_out(random_.one_in(2) ? 100 : 30, 4);
	for (ModelDisk &disk : disks_) {
		if (!failed_ && disk.exists)
			verify(disk);
	}
	for (ModelDisk &disk : disks_)
		close(disk);
	for (ModelDisk &disk : disks_) {
		if (failed_ || !disk.exists || disk.is_snapshot)
			continue;
		const int error =
			tbk_remove(pool_, disk.volume, nullptr, TBK_REMOVE_RECURSIVE, &why);

		if (error)
			fail(&disk, why.text, error);
		forget(disk);
	}
	const int error = tbk_pool_settle(pool_);

	if (error)
		fail(nullptr, "settling", error);
	tbk_pool_describe(pool_, &info);
	if (!failed_ && (info.free != empty_ || info.freeing != 0))
		fail(nullptr, "is empty, and bytes are missing:",
		     static_cast<s64>(empty_ - info.free + info.freeing));
}

void Model::run()
{
	for (u32 i = 0; i < options_.operations && !failed_; i++) {
		step();
		if (!failed_ && random_.one_in(options_.reopen_every))
			reopen();
	}
	wait_for(nullptr);
	if (failed_)
		return;
	remove_everything();
	if (!failed_ && close_pool())
		check_device();
}

} // namespace thinback
