// SPDX-License-Identifier: GPL-2.0
#include "judge.h"

#include <algorithm>
#include <functional>
#include <map>

#include "../../drivers/hosted/hosted.h"

namespace thinback::crash {
namespace {

struct Verdict {
	struct tbk_check check {};
	std::string wrong;
};

/* Volumes and snapshots that a user sees. */
void for_each_object(struct tbk_pool *pool,
		     const std::function<void(const struct tbk_object_info &)> &visit)
{
	struct tbk_object_info info {};

	for (u32 id = 0; tbk_pool_next(pool, id, &info) == 0; id = info.id) {
		if (!(info.flags & (TBK_OBJECT_HIDDEN | TBK_OBJECT_REMOVING)))
			visit(info);
	}
}

} // namespace

void Judge::fail(const std::string &what)
{
	if (wrong_.empty())
		wrong_ = what;
}

void Judge::open(MemoryDevice &image)
{
	struct tbk_why why {};

	if (tbk_pool_open(&image, 0, &pool_, &why)) {
		pool_ = nullptr;
		fail(std::string("cannot be opened: ") + why.text);
	}
}

void Judge::close()
{
	struct tbk_why why {};

	if (pool_ && tbk_pool_close(pool_, &why))
		fail(std::string("cannot be closed: ") + why.text);
	pool_ = nullptr;
}

void Judge::check(MemoryDevice &image)
{
	Verdict verdict;
	struct tbk_why why {};

	verdict.check.context = &verdict;
	verdict.check.found = [](struct tbk_check *check, enum tbk_finding_class,
				 const char *text) {
		auto *self = static_cast<Verdict *>(check->context);

		if (self->wrong.empty())
			self->wrong = text;
	};
	if (tbk_pool_check(&image, &verdict.check, &why))
		fail(std::string("cannot be checked: ") + why.text);
	else if (!verdict.wrong.empty())
		fail("the check says: " + verdict.wrong);
}

/* ---- what is there ---- */

void Judge::compare_listing(const Ledger &ledger, u64 cut)
{
	std::map<const Disk *, bool> there;
	std::map<u32, std::pair<const Disk *, bool>> removals;

	for_each_object(pool_, [&](const struct tbk_object_info &info) {
		const Disk *disk = ledger.find(info.volume, info.snapshot);

		if (!disk || !disk->may_exist(cut))
			fail(std::string(info.volume) + "@" + info.snapshot + " should not exist");
		else if (info.size != disk->sectors * sector_size)
			fail(disk->name() + " is of another size");
		else
			there[disk] = true;
	});
	for (const auto &one : ledger.disks) {
		const Disk *disk = one.get();

		if (disk->must_exist(cut) && !there[disk])
			fail(disk->name() + " is not there");
		if (disk->remove_begun >= cut || disk->removed <= cut)
			continue;
		const auto [first, is_new] = removals.try_emplace(disk->removal, disk, there[disk]);
		if (!is_new && first->second.second != there[disk])
			fail("of " + disk->name() + " and " + first->second.first->name() +
			     ", removed together, only one has gone");
	}
}

void Judge::compare_sector(const Ledger &ledger, const Disk &disk, u64 sector, u64 cut)
{
	Tag tag{};
	const std::string where = disk.name() + ", sector " + std::to_string(sector);

	if (!read_tag(found_, tag))
		fail(where + ", holds rubbish");
	else
		fail(where + ", holds " + std::to_string(tag.serial) + ", written to disk " +
		     std::to_string(tag.disk) + ", sector " + std::to_string(tag.sector) +
		     "; allowed are" + ledger.tell(disk, sector, cut));
}

void Judge::compare_disk(const Ledger &ledger, const Disk &disk, u64 cut)
{
	const int error = reader_.read_all(pool_, disk, [&](u64 sector, const u8 *bytes) {
		Tag tag{};

		if (read_tag(bytes, tag) && (tag.serial == 0 || tag.sector == sector) &&
		    ledger.allows(disk, sector, tag.serial, cut))
			return true;
		found_ = bytes;
		compare_sector(ledger, disk, sector, cut);
		return false;
	});

	if (error)
		fail("reading " + disk.name() + " fails: " + std::to_string(error));
}

void Judge::compare(const Ledger &ledger, u64 cut)
{
	compare_listing(ledger, cut);
	for_each_object(pool_, [&](const struct tbk_object_info &info) {
		const Disk *disk = ledger.find(info.volume, info.snapshot);

		if (wrong_.empty() && !disk->is_filler)
			compare_disk(ledger, *disk, cut);
	});
}

void Judge::remove_everything()
{
	struct tbk_pool_info pool {};
	std::vector<std::string> volumes;

	for_each_object(pool_, [&](const struct tbk_object_info &info) {
		if (!info.snapshot[0])
			volumes.emplace_back(info.volume);
	});
	/* A volume may have gone and its snapshot be there: never, as they go together. */
	for (const std::string &volume : volumes) {
		if (const int error = tbk_remove(pool_, volume.c_str(), nullptr,
						 TBK_REMOVE_RECURSIVE, nullptr))
			fail("removing " + volume + " fails: " + std::to_string(error));
	}
	if (const int error = tbk_pool_settle(pool_))
		fail("settling fails: " + std::to_string(error));
	tbk_pool_describe(pool_, &pool);
	if (pool.free != empty_ || pool.freeing != 0)
		fail("is empty, and free are " + std::to_string(pool.free - pool.freeing) +
		     " instead of " + std::to_string(empty_) + " bytes");
}

std::string Judge::judge(MemoryDevice &image, const Ledger &ledger, u64 cut, bool thorough)
{
	wrong_.clear();
	const bool is_clean = hosted_run([&] {
		open(image);
		if (pool_)
			compare(ledger, cut);
		if (pool_ && thorough && wrong_.empty())
			remove_everything();
		close();
		if (wrong_.empty())
			check(image);
	});

	if (!is_clean)
		fail("something goes on when the pool has been closed");
	return wrong_;
}

/* ---- as a new start ---- */

void Judge::learn_disk(Disk &disk)
{
	const int error = reader_.read_all(pool_, disk, [&](u64 sector, const u8 *bytes) {
		Tag tag{};

		if (!read_tag(bytes, tag))
			fail(disk.name() + " holds rubbish");
		disk.history[sector] = { { tag.serial, 0 } };
		return true;
	});

	if (error)
		fail("reading " + disk.name() + " fails: " + std::to_string(error));
}

std::string Judge::learn(MemoryDevice &image, Ledger &ledger)
{
	wrong_.clear();
	hosted_run([&] {
		open(image);
		if (!pool_)
			return;
		for_each_object(pool_, [&](const struct tbk_object_info &info) {
			Disk &disk =
				ledger.add(info.volume, info.snapshot, info.size / sector_size);

			disk.is_filler = disk.volume == "filler";
			if (!disk.is_filler)
				learn_disk(disk);
		});
		close();
	});
	return wrong_;
}

} // namespace thinback::crash
