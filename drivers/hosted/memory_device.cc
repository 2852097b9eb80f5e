// SPDX-License-Identifier: GPL-2.0
#include <algorithm>
#include <stdio.h>
#include <string.h>

#include "devices.h"
#include "hosted.h"
#include "payload.h"
#include "simulation.h"

namespace thinback {

namespace {

constexpr u64 page_size = 4096;
constexpr u64 sector_size = 512;

bool does_flush(const struct tbk_io &io)
{
	return io.op == TBK_OP_FLUSH || io.flags & TBK_IO_PREFLUSH;
}

bool is_zero(const u8 *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

bool does_change(const struct tbk_io &io)
{
	return io.op == TBK_OP_WRITE || io.op == TBK_OP_DISCARD;
}

} // namespace

MemoryDevice::MemoryDevice(u64 bytes, const Options &options)
	: tbk_device{ &memory_ops }, bytes_(bytes), options_(options)
{
}

MemoryDevice::~MemoryDevice()
{
	if (in_flight_)
		die("a device goes with %u requests in flight", in_flight_);
}

/* ---- content ---- */

/* NULL: zeros. */
const MemoryDevice::Page *MemoryDevice::find_page(u64 index) const
{
	const auto found = pages_.find(index);

	if (found != pages_.end())
		return found->second.get();
	return below_ ? below_->find_page(index) : nullptr;
}

MemoryDevice::Page &MemoryDevice::page_for_write(u64 index)
{
	const Page *old = below_ ? find_page(index) : nullptr;
	std::shared_ptr<Page> &page = pages_[index];

	if (!page)
		page = old ? std::make_shared<Page>(*old) : std::make_shared<Page>();
	else if (page.use_count() > 1)
		page = std::make_shared<Page>(*page);
	return *page;
}

void MemoryDevice::read(u64 at, void *to, size_t bytes) const
{
	u8 *out = static_cast<u8 *>(to);

	while (bytes) {
		const size_t length = min<size_t>(bytes, page_size - at % page_size);
		const Page *page = find_page(at / page_size);

		if (page)
			memcpy(out, page->bytes + at % page_size, length);
		else
			memset(out, 0, length);
		at += length;
		out += length;
		bytes -= length;
	}
}

void MemoryDevice::write(u64 at, const void *from, size_t bytes)
{
	const u8 *in = static_cast<const u8 *>(from);

	while (bytes) {
		const size_t length = min<size_t>(bytes, page_size - at % page_size);
		const bool changes =
			options_.keeps_zeros || find_page(at / page_size) || !is_zero(in, length);

		if (changes)
			memcpy(page_for_write(at / page_size).bytes + at % page_size, in, length);
		at += length;
		in += length;
		bytes -= length;
	}
}

/* Whole pages of the range; it may be terabytes, of which few pages exist. */
void MemoryDevice::drop_pages(u64 first, u64 end)
{
	if (below_) {
		for (u64 index = first; index < end; index++)
			pages_[index] = nullptr;
		return;
	}
	if (end - first <= pages_.size()) {
		for (u64 index = first; index < end; index++)
			pages_.erase(index);
		return;
	}
	for (auto one = pages_.begin(); one != pages_.end();) {
		const bool is_inside = one->first >= first && one->first < end;

		one = is_inside ? pages_.erase(one) : std::next(one);
	}
}

/* Within one page. */
void MemoryDevice::clear_part(u64 at, size_t bytes)
{
	if (bytes && find_page(at / page_size))
		memset(page_for_write(at / page_size).bytes + at % page_size, 0, bytes);
}

void MemoryDevice::clear(u64 at, u64 bytes)
{
	const u64 end = at + bytes;
	const u64 first = (at + page_size - 1) / page_size;
	const u64 last = end / page_size;

	if (first > last) {
		clear_part(at, bytes);
		return;
	}
	clear_part(at, first * page_size - at);
	drop_pages(first, last);
	clear_part(last * page_size, end - last * page_size);
}

void MemoryDevice::copy_from(const MemoryDevice &other)
{
	if (!other.below_) {
		pages_ = other.pages_;
	} else {
		pages_ = other.below_->pages_;
		for (const auto &[index, page] : other.pages_)
			pages_[index] = page;
	}
	below_ = nullptr;
	broken_ = other.broken_;
}

void MemoryDevice::lie_on(const MemoryDevice &other)
{
	pages_.clear();
	below_ = &other;
}

void MemoryDevice::resize(u64 bytes)
{
	if (bytes < bytes_)
		clear(bytes, bytes_ - bytes);
	bytes_ = bytes;
}

/* ---- requests ---- */

void MemoryDevice::tell(struct tbk_device *device, struct tbk_device_info *info)
{
	const MemoryDevice &self = *static_cast<MemoryDevice *>(device);

	*info = {};
	info->bytes = self.bytes_;
	info->logical_block = self.options_.logical_block;
	info->physical_block = page_size;
	info->volatile_cache = self.options_.volatile_cache;
	info->discard_granularity = self.options_.discards ? self.options_.discard_granularity : 0;
	snprintf(info->name, sizeof(info->name), "%s", self.options_.name);
}

/* What a block layer would refuse, or worse, not notice. */
void MemoryDevice::check(const struct tbk_io &io) const
{
	const u64 unit = options_.logical_block;
	const u64 at = io.sector * sector_size;

	if (io.op == TBK_OP_WRITE_ZEROES)
		die("asks a device to write zeroes");
	if (io.op == TBK_OP_FLUSH) {
		if (io.bytes)
			die("flushes %llu bytes", io.bytes);
		return;
	}
	if (!io.bytes || at % unit || io.bytes % unit)
		die("asks for %llu bytes at %llu of a device with blocks of %llu", io.bytes, at,
		    unit);
	if (at > bytes_ || io.bytes > bytes_ - at)
		die("asks for %llu bytes at %llu of a device of %llu", io.bytes, at, bytes_);
	if (!options_.discards && io.op == TBK_OP_DISCARD)
		die("discards on a device that cannot");
	if (io.op == TBK_OP_DISCARD && (at | io.bytes) % options_.discard_granularity &&
	    options_.discard_granularity > page_size)
		die("discards %llu bytes at %llu in granules of %u", io.bytes, at,
		    options_.discard_granularity);
	if (io.op != TBK_OP_WRITE && io.flags & (TBK_IO_FUA | TBK_IO_PREFLUSH))
		die("has flags %#x on what is no write", io.flags);
}

u32 MemoryDevice::checksum_of(const struct tbk_io &io) const
{
	u32 crc = ~0u;

	if (io.op != TBK_OP_WRITE || !options_.is_payload_stable)
		return crc;
	for_each_piece(*io.payload, io.offset, io.bytes, [&](const u8 *piece, size_t length) {
		crc = tbk_crc32c(crc, piece, length);
	});
	return crc;
}

bool MemoryDevice::fails(u32 op)
{
	Fault &fault = faults_[op];

	if (!fault.in || (fault.in > 1 && fault.in--))
		return false;
	if (!fault.forever)
		fault.in = 0;
	return true;
}

/* What is written can be read again: a disk puts another sector in the place of the bad one. */
bool MemoryDevice::is_broken(const struct tbk_io &io)
{
	const u64 first = io.sector * sector_size / page_size;
	const u64 end = (io.sector * sector_size + io.bytes + page_size - 1) / page_size;
	const auto from = broken_.lower_bound(first);
	const auto to = broken_.lower_bound(end);
	const bool is_hit = from != to;

	if (io.op == TBK_OP_WRITE)
		broken_.erase(from, to);
	return is_hit && io.op == TBK_OP_READ;
}

int MemoryDevice::transfer(const struct tbk_io &io)
{
	u64 at = io.sector * sector_size;

	if (is_broken(io))
		return -TBK_ENODATA;
	for_each_piece(*io.payload, io.offset, io.bytes, [&](u8 *piece, size_t length) {
		if (io.op == TBK_OP_READ)
			read(at, piece, length);
		else
			write(at, piece, length);
		at += length;
	});
	return 0;
}

void MemoryDevice::spoil(u64 at, u64 bytes, u64 seed)
{
	for (const u64 end = at + bytes; at < end;) {
		const u64 page = at / page_size;
		const size_t length = min<u64>(end - at, page_size - at % page_size);
		const bool is_zeroed = (page * 0x9e3779b97f4a7c15 + seed) >> 13 & 1;

		if (find_page(page))
			memset(page_for_write(page).bytes + at % page_size, is_zeroed ? 0 : 0xdd,
			       length);
		at += length;
	}
}

void MemoryDevice::discard(u64 at, u64 bytes)
{
	if (!options_.does_discard_scramble) {
		clear(at, bytes);
		return;
	}
	spoil(at, bytes, counts_.discards);
}

int MemoryDevice::flush()
{
	counts_.flushes++;
	return fails(TBK_OP_FLUSH) ? -TBK_EIO : 0;
}

int MemoryDevice::run(const struct tbk_io &io)
{
	const bool is_failing = fails(io.op);

	switch (io.op) {
	case TBK_OP_READ:
		counts_.reads++;
		counts_.bytes_read += io.bytes;
		return is_failing ? -TBK_EIO : transfer(io);
	case TBK_OP_WRITE:
		counts_.writes++;
		counts_.bytes_written += io.bytes;
		return is_failing ? -TBK_EIO : transfer(io);
	case TBK_OP_DISCARD:
		counts_.discards++;
		counts_.bytes_discarded += io.bytes;
		if (!is_failing)
			discard(io.sector * sector_size, io.bytes);
		return is_failing ? -TBK_EIO : 0;
	}
	return -TBK_EOPNOTSUPP;
}

void MemoryDevice::submit(struct tbk_device *device, struct tbk_io *io)
{
	MemoryDevice &self = *static_cast<MemoryDevice *>(device);

	might_sleep("a request to be taken");
	self.check(*io);
	self.in_flight_++;
	Flight *flight = new Flight{ &self, io, self.checksum_of(*io), 0, 0 };
	if (does_flush(*io))
		flight->flush = self.note_flush_submitted();
	else if (does_change(*io))
		flight->write = self.note_write_submitted(*io);
	if (self.is_holding_)
		self.held_.push_back(flight);
	else if (self.options_.asynchronous)
		hosted_interrupt(self.delay(*io), land, flight);
	else
		land(flight);
}

/* As at a counter: first come, first served. */
u64 MemoryDevice::queueing_delay()
{
	const u64 now = tbk_now_ns();
	u64 begins = now;

	if (busy_until_.size() >= options_.side_by_side) {
		begins = std::max(now, *busy_until_.begin());
		busy_until_.erase(busy_until_.begin());
	}
	busy_until_.insert(begins + options_.latency_ns);
	return begins + options_.latency_ns - now;
}

/* Virtual time stands still as long as anybody has something to do. */
u64 MemoryDevice::delay(const struct tbk_io &io)
{
	constexpr u64 ms = 1000 * 1000;
	constexpr u64 minute = 60 * 1000 * ms;
	u64 &until = delays_[does_flush(io) ? static_cast<u32>(TBK_OP_FLUSH) : io.op];

	taken_++;
	if (until > 0 && --until == 0)
		return minute;
	if (options_.latency_ns)
		return queueing_delay();
	return options_.late && taken_ % options_.late == 0 ? ms : 0;
}

int MemoryDevice::perform(Flight &flight)
{
	const struct tbk_io &io = *flight.io;

	if (does_flush(io)) {
		const int error = flush();

		note_flush_done(flight.flush, error);
		if (error || io.op == TBK_OP_FLUSH)
			return error;
		flight.write = note_write_submitted(io);
	}
	const int error = run(io);
	if (does_change(io))
		note_write_done(flight.write, error);
	return error;
}

void MemoryDevice::land(void *context)
{
	const std::unique_ptr<Flight> flight(static_cast<Flight *>(context));
	MemoryDevice &self = *flight->device;
	struct tbk_io &io = *flight->io;

	if (self.checksum_of(io) != flight->checksum)
		die("changed %llu bytes for sector %llu while they were being written", io.bytes,
		    io.sector);
	io.error = self.perform(*flight);
	self.in_flight_--;
	io.done(&io);
}

void MemoryDevice::hold()
{
	is_holding_ = true;
}

void MemoryDevice::let_go()
{
	is_holding_ = false;
	for (Flight *flight : held_)
		hosted_interrupt(0, land, flight);
	held_.clear();
}

/* Nobody records. */
u64 MemoryDevice::note_flush_submitted()
{
	return 0;
}

void MemoryDevice::note_flush_done(u64, int)
{
}

u64 MemoryDevice::note_write_submitted(const struct tbk_io &)
{
	return 0;
}

void MemoryDevice::note_write_done(u64, int)
{
}

} // namespace thinback
