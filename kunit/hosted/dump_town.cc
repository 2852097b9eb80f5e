// SPDX-License-Identifier: GPL-2.0
#include "dump_town.h"

#include <string.h>

#include "../harness/check.h"
#include "../store/damage.h"

namespace thinback {
namespace {

constexpr u64 blocks = 2000; /* of a volume */

using Disk = Town::Disk;

constexpr MemoryDevice::Options asynchronous = { .asynchronous = true };

const char *or_null(const std::string &text)
{
	return text.empty() ? nullptr : text.c_str();
}

/* Whether all of a volume is the same in both. */
bool is_same(struct tbk_pool *mine, struct tbk_pool *theirs, const Disk &disk)
{
	constexpr u64 piece = 64;
	std::vector<u8> data[2] = { std::vector<u8>(piece * TBK_BLOCK),
				    std::vector<u8>(piece * TBK_BLOCK) };
	struct tbk_pool *const pools[2] = { mine, theirs };
	struct tbk_volume *volumes[2] = {};
	bool same = true;

	for (u32 i = 0; i < 2 && same; i++)
		same = tbk_volume_open(pools[i], disk.volume.c_str(), or_null(disk.snapshot),
				       TBK_OPEN_READ_ONLY, &volumes[i], nullptr) == 0;
	const u64 count = same ? tbk_volume_size(volumes[0]) / TBK_BLOCK : 0;

	for (u64 at = 0; at < count && same; at += piece) {
		const u64 some = count - at < piece ? count - at : piece;

		for (u32 i = 0; i < 2 && same; i++)
			same = do_request(volumes[i], TBK_OP_READ, at, data[i].data(), some) == 0;
		same = same && data[0] == data[1];
	}
	for (struct tbk_volume *volume : volumes) {
		if (volume)
			tbk_volume_close(volume);
	}
	return same && count > 0;
}

u64 free_of(struct tbk_pool *pool)
{
	struct tbk_pool_info info {};

	(void)tbk_pool_settle(pool);
	tbk_pool_describe(pool, &info);
	return info.free;
}

} // namespace

Town::Town(u64 seed, u64 bytes) : device(bytes, asynchronous), random_(seed)
{
}

Town::~Town()
{
	(void)close();
}

int Town::open()
{
	const struct tbk_format_options format = { "tank", { 7, 7, 7 }, 0 };
	int error = tbk_pool_format(&device, &format, nullptr);

	if (!error)
		error = tbk_pool_open(&device, 0, &pool, nullptr);
	if (!error)
		empty_ = free_of(pool);
	return error;
}

int Town::close()
{
	const int error = pool ? tbk_pool_close(pool, nullptr) : 0;

	pool = nullptr;
	return error;
}

/* What closing writes is taken back. */
void Town::stop()
{
	MemoryDevice image(device.size());

	image.copy_from(device);
	(void)close();
	device.copy_from(image);
}

int Town::write(const char *name, u64 block, u32 version)
{
	return write_every(name, block, block + 1, 1, version);
}

int Town::write_every(const char *name, u64 from, u64 to, u64 step, u32 version)
{
	alignas(4096) u8 data[4096];
	struct tbk_volume *volume = nullptr;
	int error = tbk_volume_open(pool, name, nullptr, 0, &volume, nullptr);

	if (error)
		return error;
	for (u64 block = from; block < to && !error; block += step) {
		fill_block(data, name[0], block, version);
		error = do_request(volume, TBK_OP_WRITE, block, data, 1);
	}
	if (!error)
		error = do_request(volume, TBK_OP_FLUSH, 0, nullptr, 0);
	tbk_volume_close(volume);
	return error;
}

std::vector<Town::Disk> Town::disks(struct tbk_pool *of) const
{
	struct tbk_object_info info {};
	std::vector<Disk> all;

	while (tbk_pool_next(of, info.id, &info) == 0) {
		if (!(info.flags & (TBK_OBJECT_HIDDEN | TBK_OBJECT_REMOVING)))
			all.push_back({ info.volume, info.snapshot });
	}
	return all;
}

bool Town::pick(bool is_snapshot, Disk &picked)
{
	u64 seen = 0;

	for (const Disk &disk : disks(pool)) {
		if (disk.snapshot.empty() != is_snapshot && random_.below(++seen) == 0)
			picked = disk;
	}
	return seen > 0;
}

void Town::change(const Disk &disk)
{
	alignas(4096) static u8 data[16 * 4096];
	struct tbk_volume *volume = nullptr;

	if (tbk_volume_open(pool, disk.volume.c_str(), nullptr, 0, &volume, nullptr))
		return;
	const u64 size = tbk_volume_size(volume) / TBK_BLOCK;

	for (u64 left = 5 + random_.below(60); left > 0; left--) {
		const u64 count = 1 + random_.below(random_.below(4) ? 2 : 16);
		const u64 at = random_.below(size - count);
		const u32 op = random_.below(5) ? TBK_OP_WRITE : TBK_OP_DISCARD;

		memset(data, static_cast<int>(random_.below(255) + 1), sizeof(data));
		(void)do_request(volume, op, at, data, count);
	}
	if (random_.below(2))
		(void)do_request(volume, TBK_OP_FLUSH, 0, nullptr, 0);
	tbk_volume_close(volume);
}

void Town::step()
{
	const std::string fresh = "n" + std::to_string(names_++);
	const u64 size = (100 + random_.below(blocks)) * TBK_BLOCK;
	const u64 what = random_.below(20);
	Disk volume, snapshot;

	if (!pick(false, volume) || what == 0) {
		(void)tbk_volume_create(pool, fresh.c_str(), size, 0, nullptr);
		return;
	}
	const char *name = volume.volume.c_str();
	const bool has_snapshot = pick(true, snapshot);

	if (what < 10)
		change(volume);
	else if (what < 13)
		(void)tbk_snapshot_create(pool, name, fresh.c_str(), nullptr);
	else if (what < 15 && has_snapshot)
		(void)tbk_clone_create(pool, snapshot.volume.c_str(), snapshot.snapshot.c_str(),
				       fresh.c_str(), 0, nullptr);
	else if (what < 17 && has_snapshot)
		(void)tbk_remove(pool, snapshot.volume.c_str(), snapshot.snapshot.c_str(), 0,
				 nullptr);
	else if (what == 17)
		(void)tbk_volume_resize(pool, name, size, TBK_RESIZE_SHRINK, nullptr);
	else if (what == 18 && has_snapshot)
		(void)tbk_rollback(pool, snapshot.volume.c_str(), snapshot.snapshot.c_str(),
				   random_.below(2) ? fresh.c_str() : nullptr, nullptr);
	else if (disks(pool).size() > 6)
		(void)tbk_remove(pool, name, nullptr, TBK_REMOVE_RECURSIVE, nullptr);
}

int Town::fill_for_merge()
{
	constexpr u64 many = 6000;
	const char *const names[] = { "s0", "s1", "s2" };
	int error = tbk_volume_create(pool, "base", many * TBK_BLOCK, 0, nullptr);

	if (!error)
		error = tbk_volume_create(pool, "gone", many * TBK_BLOCK, 0, nullptr);
	if (!error)
		error = write_every("gone", 0, many, 4, 1);
	for (u32 i = 0; i < 3 && !error; i++) {
		error = write_every("base", i, many, 2 + i, i + 1);
		if (!error)
			error = tbk_snapshot_create(pool, "base", names[i], nullptr);
	}
	return error ? error : write_every("base", 5, many, 6, 9);
}

void Town::compare(struct kunit *test, struct tbk_pool *mine, struct tbk_pool *theirs)
{
	const std::vector<Disk> all = disks(mine);

	CHECK_EQ(disks(theirs).size(), all.size());
	for (const Disk &disk : all)
		CHECK(is_same(mine, theirs, disk));
}

void Town::remove_all(struct kunit *test, struct tbk_device &from)
{
	Findings findings;

	for (u32 tries = 0; tries < 1000; tries++) {
		const std::vector<Disk> all = disks(pool);

		if (all.empty())
			break;
		const Disk &one = all[random_.below(all.size())];

		/* A volume goes after its snapshots. */
		(void)tbk_remove(pool, one.volume.c_str(), or_null(one.snapshot), 0, nullptr);
	}
	CHECK(disks(pool).empty());
	CHECK_EQ(free_of(pool), empty_);
	CHECK_EQ(close(), 0);
	CHECK_EQ(findings.check(from), 0);
	findings.tell(test);
}

void Town::round_trip(struct kunit *test, const Transcript &told)
{
	MemoryDevice again(device.size(), asynchronous);
	struct tbk_pool *source = nullptr;
	struct tbk_why why {};
	Transcript retold;
	Findings findings;

	again.copy_from(device);
	told.wipe_others(again, random_);
	REQUIRE_EQ(told.restore(again, 0, &why), 0);
	CHECK_EQ(findings.check(again), 0);
	findings.tell(test);
	CHECK_EQ(retold.take(again), 0);
	CHECK(retold.is_like(told));
	REQUIRE_EQ(tbk_pool_open(&device, 0, &source, nullptr), 0);
	REQUIRE_EQ(tbk_pool_open(&again, 0, &pool, nullptr), 0);
	compare(test, source, pool);
	for (u32 i = 0; i < 20; i++)
		step();
	CHECK_EQ(tbk_pool_close(source, nullptr), 0);
	remove_all(test, again);
}

} // namespace thinback
