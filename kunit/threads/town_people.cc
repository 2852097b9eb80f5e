// SPDX-License-Identifier: GPL-2.0
/* What the threads of a town do. */
#include "town.h"

#include <chrono>

#include "cases.h"

namespace thinback {

struct tbk_volume *Town::open(const char *volume, const char *snapshot)
{
	struct tbk_volume *handle = nullptr;
	struct tbk_why why {};

	if (!is(tbk_volume_open(pool_, volume, snapshot, 0, &handle, &why), "open", why.text))
		return nullptr;
	return handle;
}

void Town::write(u32 disk, u32 which)
{
	const char *name = disks_[disk]->name.c_str();
	Writer &writer = *writers_[disk * options_.writers + which];
	struct tbk_volume *handle = open(name, nullptr);

	for (u64 step = 1; handle && goes_on(); step++) {
		writer.step(handle);
		steps_.fetch_add_relaxed(1);
		if (options_.closes == 0 || step % options_.closes)
			continue;
		tbk_volume_close(handle);
		handle = open(name, nullptr);
	}
	if (handle)
		tbk_volume_close(handle);
}

/* A sector holds what was answered before the snapshot was asked for, or something newer. */
void Town::compare(const Disk &disk, const char *snapshot, const std::vector<u32> &least)
{
	struct tbk_volume *handle = open(disk.name.c_str(), snapshot);
	Slot slot;

	for (u64 unit = 0; handle && unit < disk.units.size() && goes_on(); unit++) {
		const u32 most = disk.units[unit].begun.load_relaxed();
		const bool may_be_empty =
			least[unit] == 0 || disk.units[unit].emptied.load_relaxed();

		slot.submit(handle, TBK_OP_READ, unit, 0);
		if (!is(slot.wait(), "read the snapshot", snapshot))
			break;
		for (u32 i = 0; i < unit_sectors; i++) {
			const u32 found = version_in(slot.buffer + i * 512ul, disk.salt, unit, i);

			if (found == 0 ? may_be_empty : found >= least[unit] && found <= most)
				continue;
			complain("%s@%s: sector %u of unit %llu has version %u, not %u to %u",
				 disk.name.c_str(), snapshot, i, unit, found, least[unit], most);
		}
	}
	if (handle)
		tbk_volume_close(handle);
}

/* What a clone is given is its own. */
void Town::write_clone(const Disk &disk, const char *clone)
{
	Disk account(clone, 1000 + names_.fetch_add(1), disk.units.size());
	struct tbk_volume *handle = open(clone, nullptr);
	Slot slot;

	for (u64 unit = 0; handle && unit < disk.units.size(); unit += 5) {
		account.units[unit].begun.store_relaxed(1);
		fill_unit(slot.buffer, account.salt, unit, 1);
		slot.submit(handle, TBK_OP_WRITE, unit, 0);
		is(slot.wait(), "write the clone", clone);
		slot.submit(handle, TBK_OP_READ, unit, 0);
		is(slot.wait(), "read the clone", clone);
		for (u32 i = 0; i < unit_sectors; i++) {
			if (version_in(slot.buffer + i * 512ul, account.salt, unit, i) != 1)
				complain("%s: sector %u of unit %llu is not what was written",
					 clone, i, unit);
		}
	}
	if (handle)
		tbk_volume_close(handle);
}

void Town::take_snapshots(u32 which)
{
	struct tbk_why why {};

	for (u32 turn = which; goes_on(); turn++) {
		const Disk &disk = *disks_[turn % disks_.size()];
		const char *volume = disk.name.c_str();
		const std::string number = std::to_string(names_.fetch_add(1));
		const std::string snapshot = "s" + number;
		const std::string clone = "clone" + number;
		std::vector<u32> least;

		for (const Unit &unit : disk.units)
			least.push_back(unit.completed.load_acquire());
		if (!is(tbk_snapshot_create(pool_, volume, snapshot.c_str(), &why), "snapshot",
			why.text))
			return;
		if (!is(tbk_clone_create(pool_, volume, snapshot.c_str(), clone.c_str(), 0, &why),
			"clone", why.text))
			return;
		compare(disk, snapshot.c_str(), least);
		write_clone(disk, clone.c_str());
		/* Half of the snapshots go before their clones, and are hidden for a while. */
		if (turn % 2)
			is(tbk_remove(pool_, volume, snapshot.c_str(), 0, &why), "remove",
			   why.text);
		is(tbk_remove(pool_, clone.c_str(), nullptr, 0, &why), "remove", why.text);
		if (turn % 2 == 0)
			is(tbk_remove(pool_, volume, snapshot.c_str(), 0, &why), "remove",
			   why.text);
		steps_.fetch_add_relaxed(1);
	}
}

void Town::remove_volumes(u32 which)
{
	struct tbk_why why {};

	while (goes_on()) {
		const u64 number = names_.fetch_add(1);
		const std::string name =
			"short" + std::to_string(which) + "-" + std::to_string(number);
		Disk disk(name, 2000 + number, options_.units);
		Writer writer(disk, 0, 1);

		if (!is(tbk_volume_create(pool_, name.c_str(), disk.bytes(), 0, &why), "create",
			why.text))
			return;
		struct tbk_volume *handle = open(name.c_str(), nullptr);

		for (u32 step = 0; handle && step < 100; step++)
			writer.step(handle);
		if (handle)
			tbk_volume_close(handle);
		is(tbk_remove(pool_, name.c_str(), nullptr, 0, &why), "remove", why.text);
		steps_.fetch_add_relaxed(1);
	}
}

/* Nothing that it reads while it is written is damage. */
void Town::scrub()
{
	struct tbk_pool_info info {};
	struct tbk_why why {};

	while (goes_on() && is(tbk_pool_scrub(pool_, 0, &why), "scrub", why.text)) {
		tbk_pool_scrub_wait(pool_);
		tbk_pool_describe(pool_, &info);
		if (info.scrub_state != TBK_SCRUB_DONE || info.scrub_found)
			complain("a scrub that is %u has found %llu damaged", info.scrub_state,
				 info.scrub_found);
		steps_.fetch_add_relaxed(1);
	}
}

/* Syncs, settles, lists; what it sees may be old, and must be sound. */
void Town::look()
{
	struct tbk_object_info object {};
	struct tbk_pool_info info {};

	for (u32 turn = 0; goes_on(); turn++) {
		if (turn % 8 == 7)
			is(tbk_pool_settle(pool_), "settle", "the pool");
		else
			is(tbk_pool_sync(pool_), "sync", "the pool");
		tbk_pool_describe(pool_, &info);
		if (info.free > info.size || info.flags & TBK_POOL_FAILED)
			complain("free are %llu of %llu bytes, flags %#x", info.free, info.size,
				 info.flags);
		for (u32 id = 0; tbk_pool_next(pool_, id, &object) == 0; id = object.id) {
			if (object.own > info.size)
				complain("%s owns %llu bytes", object.volume, object.own);
		}
		std::this_thread::sleep_for(std::chrono::milliseconds(turn % 20));
	}
}

} // namespace thinback
