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
	disk.shapes.push_back(
		{ static_cast<u32>(acts.size() - 1), true, volume, snapshot, sectors, 0, 0 });
	disk.history.assign(sectors, { { 0, 0 } });
	return disk;
}

const Shape *Disk::at(u32 acts) const
{
	const Shape *found = nullptr;

	for (const Shape &shape : shapes) {
		if (shape.act <= acts)
			found = &shape;
	}
	return found;
}

Shape &Ledger::reshape(Disk &disk)
{
	disk.shapes.push_back(disk.now());
	disk.shapes.back().act = static_cast<u32>(acts.size() - 1);
	return disk.shapes.back();
}

/* As if another had undone it. */
void Ledger::take_back_act(u64 now)
{
	const u32 refused = static_cast<u32>(acts.size() - 1);

	end_act(now);
	begin_act(now);
	end_act(now);
	for (const auto &disk : disks) {
		if (disk->now().act != refused)
			continue;
		const Shape *before = disk->at(refused - 1);
		Shape after = before ? *before : disk->now();

		after.exists = before && before->exists;
		after.act = refused + 1;
		disk->shapes.push_back(after);
	}
}

u32 Ledger::part_of_act()
{
	const u64 when = acts.back().returned;

	changes.push_back({ when, when, when, static_cast<u32>(acts.size() - 1) });
	return static_cast<u32>(changes.size() - 1);
}

u32 Ledger::acts_done(u64 cut) const
{
	u32 last = 0;

	while (last + 1 < acts.size() && acts[last + 1].returned <= cut)
		last++;
	return last;
}

u32 Ledger::begin_change(u64 now)
{
	changes.push_back({ now, never, never, 0 });
	return static_cast<u32>(changes.size() - 1);
}

void Ledger::follow(const Ledger &before)
{
	last_id_ = before.last_id_;
	last_name_ = before.last_name_;
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

bool Ledger::allows(const Disk &disk, u64 sector, u64 serial, const Moment &moment) const
{
	const std::vector<Value> &history = disk.history[sector];

	for (size_t at = history.size(); at-- > 0;) {
		const Change &change = changes[history[at].change];

		if ((at == 0 || change.may_be_there(moment)) && history[at].serial == serial)
			return true;
		if (change.must_be_there(moment))
			return false;
	}
	return false;
}

/* ---- in words ---- */

namespace {

std::string text_of(u64 event)
{
	return event == never ? "-" : std::to_string(event);
}

std::string text_of(const Change &change)
{
	return (change.act ? "act " + std::to_string(change.act) + ", " : "") + "begun " +
	       text_of(change.begun) + ", completed " + text_of(change.completed) + ", durable " +
	       text_of(change.durable);
}

} // namespace

/* Down to the first that must be there; what is newer and may not be is told of as well. */
std::string Ledger::tell_sector(const std::vector<Value> &history, const Moment &moment) const
{
	std::string text;

	for (size_t at = history.size(); at-- > 0;) {
		const Change &change = changes[history[at].change];

		text += at == 0 || change.may_be_there(moment) ? ", " : ", not ";
		text += std::to_string(history[at].serial) + " (" + text_of(change) + ")";
		if (change.must_be_there(moment))
			break;
	}
	return text.substr(2);
}

std::string Ledger::tell_shapes(const Disk &disk) const
{
	std::string text;

	for (const Shape &shape : disk.shapes) {
		const Act &act = acts[shape.act];

		text += ", " + (shape.exists ? shape.name() : "gone") + " by act " +
			std::to_string(shape.act) + " (begun " + text_of(act.begun) +
			", returned " + text_of(act.returned) + ", " +
			std::to_string(shape.sectors) + " sectors)";
	}
	return text.substr(2);
}

std::string Ledger::tell(const Disk &disk, u64 sector, const Moment &moment) const
{
	return tell_sector(disk.history[sector], moment) + "; cut at event " +
	       std::to_string(moment.cut) + ", with acts up to " + std::to_string(moment.acts) +
	       " of " + std::to_string(acts.size() - 1) + "; the disk: " + tell_shapes(disk);
}

} // namespace thinback::crash
