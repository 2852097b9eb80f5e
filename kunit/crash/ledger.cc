// SPDX-License-Identifier: GPL-2.0
#include "ledger.h"

#include <algorithm>
#include <string.h>

namespace thinback::crash {

void fill_sector(u8 *to, const Tag &tag)
{
	for (size_t at = 0; at < sector_size; at += sizeof(tag))
		memcpy(to + at, &tag, sizeof(tag));
}

bool read_tag(const u8 *sector, Tag &tag)
{
	memcpy(&tag, sector, sizeof(tag));
	if (memcmp(sector, sector + sizeof(tag), sector_size - sizeof(tag)) != 0)
		return false;
	return tag.serial != 0 || (tag.disk == 0 && tag.sector == 0);
}

/* ---- what happens ---- */

Disk &Ledger::add(const std::string &volume, const std::string &snapshot, u64 sectors)
{
	disks.push_back(std::make_unique<Disk>());
	Disk &disk = *disks.back();

	disk.id = ++last_id_;
	disk.volume = volume.empty() ? "v" + std::to_string(disk.id) : volume;
	disk.snapshot = snapshot == "?" ? "s" + std::to_string(disk.id) : snapshot;
	disk.sectors = sectors;
	disk.history.assign(sectors, { { 0, 0 } });
	return disk;
}

Disk *Ledger::find(const std::string &volume, const std::string &snapshot) const
{
	for (const auto &disk : disks) {
		if (disk->volume == volume && disk->snapshot == snapshot)
			return disk.get();
	}
	return nullptr;
}

u32 Ledger::begin_change(u64 now)
{
	changes.push_back({ now, never, never });
	return static_cast<u32>(changes.size() - 1);
}

void Ledger::follow(const Ledger &before)
{
	last_id_ = before.last_id_;
	last_serial_ = before.last_serial_;
}

std::vector<u32> Ledger::completed(const Disk &disk) const
{
	std::vector<bool> is_seen(changes.size());
	std::vector<u32> found;

	for (const auto &history : disk.history) {
		for (const Value &value : history) {
			const Change &change = changes[value.change];

			if (is_seen[value.change] || change.completed == never ||
			    change.durable != never)
				continue;
			is_seen[value.change] = true;
			found.push_back(value.change);
		}
	}
	return found;
}

void Ledger::make_durable(const std::vector<u32> &which, u64 now)
{
	for (const u32 index : which)
		changes[index].durable = std::min(changes[index].durable, now);
}

/* ---- what may be found ---- */

size_t Ledger::oldest_allowed(const std::vector<Value> &history, u64 cut) const
{
	size_t at = history.size() - 1;

	while (at > 0 && changes[history[at].change].durable > cut)
		at--;
	return at;
}

bool Ledger::allows(const Disk &disk, u64 sector, u64 serial, u64 cut) const
{
	const std::vector<Value> &history = disk.history[sector];

	for (size_t at = history.size(); at-- > 0;) {
		const Change &change = changes[history[at].change];
		const bool is_possible = at == 0 || change.begun < cut;

		if (is_possible && history[at].serial == serial)
			return true;
		if (change.durable <= cut)
			return false;
	}
	return false;
}

std::string Ledger::tell(const Disk &disk, u64 sector, u64 cut) const
{
	const std::vector<Value> &history = disk.history[sector];
	const auto moment = [](u64 at) {
		return at == never ? std::string("-") : std::to_string(at);
	};
	std::string text;

	for (size_t at = oldest_allowed(history, cut); at < history.size(); at++) {
		const Change &change = changes[history[at].change];

		text += " " + std::to_string(history[at].serial) + " (begun " +
			moment(change.begun) + ", completed " + moment(change.completed) +
			", durable " + moment(change.durable) + ")";
	}
	return text;
}

} // namespace thinback::crash
