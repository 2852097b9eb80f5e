// SPDX-License-Identifier: GPL-2.0
#include "judge.h"

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
	else
		compare_free(image, verdict.check);
}

void Judge::compare_free(MemoryDevice &image, const struct tbk_check &check)
{
	const u64 used =
		(check.data_blocks + check.nodes + check.copies - empty_nodes_) * TBK_BLOCK;
	struct tbk_pool_info info {};

	if (tbk_pool_open(&image, TBK_POOL_READ_ONLY, &pool_, nullptr)) {
		pool_ = nullptr;
		fail("cannot be opened once it is checked");
		return;
	}
	tbk_pool_describe(pool_, &info);
	if (info.free + used != empty_ || info.freeing != 0)
		fail("says that " + std::to_string(info.free) + " bytes are free, and the check " +
		     std::to_string(empty_ - used));
	close();
}

/* ---- what is there ---- */

std::string Judge::listing_differs(const Ledger &ledger, u32 acts)
{
	std::map<std::string, struct tbk_object_info> there;

	for_each_object(pool_, [&](const struct tbk_object_info &info) {
		there[Shape{ 0, true, info.volume, info.snapshot }.name()] = info;
	});
	for (const auto &disk : ledger.disks) {
		const Shape *shape = disk->at(acts);

		if (!shape || !shape->exists)
			continue;
		const auto found = there.find(shape->name());
		if (found == there.end())
			return shape->name() + " is not there";
		const struct tbk_object_info &info = found->second;
		if (disk->pool_id && info.id != disk->pool_id)
			return shape->name() + " is another one";
		if (info.size != shape->sectors * sector_size)
			return shape->name() + " is of another size";
		if (info.quota != shape->quota || info.reserve != shape->reserve)
			return shape->name() + " has other limits";
		there.erase(found);
	}
	return there.empty() ? "" : there.begin()->first + " should not exist";
}

void Judge::compare_sector(const Ledger &ledger, const Disk &disk, u64 sector, const Moment &moment)
{
	Tag tag{};
	const std::string where = disk.name() + ", sector " + std::to_string(sector);

	if (!read_tag(found_, tag))
		fail(where + ", holds rubbish");
	else
		fail(where + ", holds " + std::to_string(tag.serial) + ", written to disk " +
		     std::to_string(tag.disk) + ", sector " + std::to_string(tag.sector) +
		     "; allowed are " + ledger.tell(disk, sector, moment));
}

void Judge::compare_disk(const Ledger &ledger, const Disk &disk, const Moment &moment)
{
	const Shape &shape = *disk.at(moment.acts);
	const int error = reader_.read_all(pool_, shape, [&](u64 sector, const u8 *bytes) {
		Tag tag{};

		if (read_tag(bytes, tag) && (tag.serial == 0 || tag.sector == sector) &&
		    ledger.allows(disk, sector, tag.serial, moment))
			return true;
		found_ = bytes;
		compare_sector(ledger, disk, sector, moment);
		return false;
	});

	if (error)
		fail("reading " + shape.name() + " fails: " + std::to_string(error));
}

/* What had begun at the cut is there as a whole, or not. */
void Judge::compare(const Ledger &ledger, u64 cut)
{
	Moment moment = { cut, ledger.acts_done(cut) };
	const std::string wrong = listing_differs(ledger, moment.acts);

	if (!wrong.empty()) {
		moment.acts++;
		if (!ledger.may_have_begun(moment.acts, cut))
			fail(wrong);
		else if (const std::string other = listing_differs(ledger, moment.acts);
			 !other.empty())
			fail(wrong + ", or " + other);
	}
	for (const auto &disk : ledger.disks) {
		const Shape *shape = disk->at(moment.acts);

		if (wrong_.empty() && shape && shape->exists && !disk->is_filler)
			compare_disk(ledger, *disk, moment);
	}
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
	const int error = reader_.read_all(pool_, disk.now(), [&](u64 sector, const u8 *bytes) {
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

			disk.pool_id = info.id;
			disk.shapes.back().quota = info.quota;
			disk.shapes.back().reserve = info.reserve;
			disk.is_filler = disk.now().volume == "filler";
			if (!disk.is_filler)
				learn_disk(disk);
		});
		close();
	});
	return wrong_;
}

} // namespace thinback::crash
