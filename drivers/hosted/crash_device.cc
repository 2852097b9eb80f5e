// SPDX-License-Identifier: GPL-2.0
#include "crash_device.h"

#include <algorithm>

#include "payload.h"
#include "simulation.h"

namespace thinback {

namespace {

constexpr u64 sector_size = 512;

using Kind = CrashEvent::Kind;

/* One round of splitmix64 over all of them. */
u64 hash(u64 a, u64 b, u64 c)
{
	u64 z = a * 0x9e3779b97f4a7c15 + b * 0xc2b2ae3d27d4eb4f + c + 1;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* What was discarded may be anything: zeros, rubbish, differently in each page. */
void put_discard(MemoryDevice &disk, const CrashWrite &write, const std::vector<bool> &overtaken)
{
	if (overtaken.empty()) {
		disk.spoil(write.sector * sector_size, write.sectors * sector_size, write.index);
		return;
	}
	for (u64 i = 0; i < write.sectors; i++)
		if (!overtaken[i])
			disk.spoil((write.sector + i) * sector_size, sector_size, write.index);
}

/* @overtaken: sectors that something later holds; empty for none. */
void put(MemoryDevice &disk, const CrashWrite &write, const CrashChoice &choice,
	 const std::vector<bool> &overtaken)
{
	if (write.is_discard) {
		if (choice(write, 0))
			put_discard(disk, write, overtaken);
		return;
	}
	for (u64 i = 0; i < write.sectors; i++)
		if ((overtaken.empty() || !overtaken[i]) && choice(write, i))
			disk.write((write.sector + i) * sector_size, &write.data[i * sector_size],
				   sector_size);
}

} // namespace

/* ---- recording ---- */

CrashDevice::CrashDevice(u64 bytes, const Options &options)
	: MemoryDevice(bytes, options), is_cached_(options.volatile_cache), start_(bytes)
{
}

void CrashDevice::restart()
{
	events_.clear();
	writes_.clear();
	start_.resize(size());
	start_.copy_from(*this);
}

u64 CrashDevice::note_flush_submitted()
{
	events_.push_back({ Kind::flush_submitted, events_.size(), false });
	return events_.size() - 1;
}

void CrashDevice::note_flush_done(u64 number, int error)
{
	events_.push_back({ Kind::flush_done, number, error != 0 });
}

u64 CrashDevice::note_write_submitted(const struct tbk_io &io)
{
	CrashWrite write = { writes_.size(),
			     io.sector,
			     io.bytes / sector_size,
			     io.op == TBK_OP_DISCARD,
			     (io.flags & TBK_IO_FUA) != 0 || !is_cached_,
			     {} };

	if (!write.is_discard)
		for_each_piece(*io.payload, io.offset, io.bytes, [&](u8 *piece, size_t length) {
			write.data.insert(write.data.end(), piece, piece + length);
		});
	events_.push_back({ Kind::write_submitted, write.index, false });
	writes_.push_back(std::move(write));
	return writes_.size() - 1;
}

void CrashDevice::note_write_done(u64 number, int error)
{
	events_.push_back({ Kind::write_done, number, error != 0 });
}

/* ---- going through it ---- */

CrashReplay::CrashReplay(const CrashDevice &device) : device_(device), durable_(device.size())
{
	durable_.copy_from(device.start());
}

void CrashReplay::advance(u64 events)
{
	if (events < at_ || events > device_.events())
		die("goes from event %llu to %llu of %llu", at_, events, device_.events());
	for (; at_ < events; at_++)
		apply(device_.recorded()[at_], at_);
}

void CrashReplay::apply(const CrashEvent &event, u64 number)
{
	switch (event.kind) {
	case Kind::write_submitted:
		undecided_.push_back({ &device_.write_at(event.of), false, false, {} });
		break;
	case Kind::write_done:
		end_write(event);
		break;
	case Kind::flush_submitted:
		begin_flush(number);
		break;
	case Kind::flush_done:
		end_flush(event);
		break;
	}
}

/* What was done later lies on top. */
void CrashReplay::end_write(const CrashEvent &event)
{
	const auto is_it = [&](const Undecided &one) {
		return one.write->index == event.of;
	};
	const auto is_open = [](const Undecided &one) {
		return !one.is_done;
	};
	const auto found = std::find_if(undecided_.begin(), undecided_.end(), is_it);
	const auto place = std::find_if(undecided_.begin(), undecided_.end(), is_open);

	found->is_done = true;
	found->has_failed = event.has_failed;
	std::rotate(place, found, std::next(found));
	if (device_.write_at(event.of).is_fua && !event.has_failed)
		harden(event.of);
}

void CrashReplay::begin_flush(u64 number)
{
	Flush flush = { number, {} };

	for (const Undecided &one : undecided_)
		if (one.is_done && !one.has_failed)
			flush.covers.push_back(one.write->index);
	flushes_.push_back(std::move(flush));
}

void CrashReplay::end_flush(const CrashEvent &event)
{
	const auto is_it = [&](const Flush &one) {
		return one.number == event.of;
	};
	const auto found = std::find_if(flushes_.begin(), flushes_.end(), is_it);
	const Flush flush = std::move(*found);

	flushes_.erase(found);
	if (event.has_failed)
		return;
	for (u64 index : flush.covers)
		harden(index);
}

void CrashReplay::harden(u64 index)
{
	const auto is_it = [&](const Undecided &one) {
		return one.write->index == index;
	};
	const auto found = std::find_if(undecided_.begin(), undecided_.end(), is_it);

	/* Another flush was first. */
	if (found == undecided_.end())
		return;

	const Undecided hard = std::move(*found);
	const u64 start = hard.write->sector;
	const u64 end = start + hard.write->sectors;

	for (auto older = undecided_.begin(); older != found; ++older) {
		const CrashWrite &below = *older->write;
		const u64 from = max(start, below.sector);
		const u64 to = min(end, below.sector + below.sectors);

		for (u64 sector = from; sector < to; sector++) {
			older->overtaken.resize(below.sectors);
			older->overtaken[sector - below.sector] = true;
		}
	}
	undecided_.erase(found);
	put(durable_, *hard.write, all(), hard.overtaken);
}

std::vector<u64> CrashReplay::undecided() const
{
	std::vector<u64> indexes;

	for (const Undecided &one : undecided_)
		indexes.push_back(one.write->index);
	return indexes;
}

void CrashReplay::build(MemoryDevice &image, const CrashChoice &choice) const
{
	image.resize(device_.size());
	image.lie_on(durable_);
	for (const Undecided &one : undecided_)
		put(image, *one.write, choice, one.overtaken);
}

CrashChoice CrashReplay::none()
{
	return [](const CrashWrite &, u64) {
		return false;
	};
}

CrashChoice CrashReplay::all()
{
	return [](const CrashWrite &, u64) {
		return true;
	};
}

CrashChoice CrashReplay::random(u64 seed, bool torn)
{
	return [=](const CrashWrite &write, u64 sector) {
		const u64 whole = hash(seed, write.index, ~0ull);
		const bool is_torn = torn && whole % 3 == 0;

		return (is_torn ? hash(seed, write.index, sector) : whole >> 8) % 2 == 0;
	};
}

} // namespace thinback
