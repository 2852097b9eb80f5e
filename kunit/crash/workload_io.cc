// SPDX-License-Identifier: GPL-2.0
/* Requests: several at once, but never two that would change the same sector. */
#include <string.h>

#include "../../drivers/hosted/hosted.h"
#include "workload.h"

namespace thinback::crash {

void Workload::do_requests()
{
	for (u32 i = 0; i < options_.operations / 2 && why_.empty(); i++)
		step();
	wait_until(requests_wait_, [this] {
		reap();
		return !is_busy(nullptr);
	});
}

void Workload::step()
{
	const u64 dice = random_.below(100);
	Live *live = pick_volume();

	reap();
	if (dice < 3) {
		wait_until(requests_wait_, [this] {
			reap();
			return !is_busy(nullptr);
		});
	} else if (dice < 6) {
		hosted_sleep_ms(static_cast<unsigned int>(random_.below(700)));
	} else if (dice < 8 || !live) {
		hosted_yield();
	} else if (dice < 16) {
		flush(*live);
	} else if (dice < 18) {
		flush_all();
	} else {
		request(*live);
	}
}

/* Any one that is open, or NULL. */
Workload::Live *Workload::pick_volume()
{
	std::vector<Live *> open;

	for (Live &live : lives_) {
		if (live.handle && !live.is_leaving)
			open.push_back(&live);
	}
	return open.empty() ? nullptr : open[random_.below(open.size())];
}

Workload::Slot &Workload::idle_slot()
{
	for (;;) {
		reap();
		for (Slot &slot : slots_) {
			if (!slot.live)
				return slot;
		}
		wait_until(requests_wait_, [this] { return is_any_done(); });
	}
}

/* Half of them within a few blocks, so that they get at each other. */
void Workload::choose_range(Slot &slot)
{
	const u64 align = random_.one_in(3) ? 1 : sectors_per_block;
	const u64 units = slot.live->disk->sectors() / align;
	const u64 most = random_.one_in(4) ? most_sectors / align : 24 / align;
	u64 start = random_.below(units);

	if (random_.one_in(50))
		hot_ = random_.next();
	if (random_.one_in(2))
		start = (hot_ + random_.below(128 / align)) % units;
	slot.sector = start * align;
	slot.count = align * (1 + random_.below(min(most, units - start)));
}

bool Workload::is_in_the_way(const Slot &slot) const
{
	for (const Slot &other : slots_) {
		if (&other != &slot && other.live == slot.live && other.change != 0 &&
		    slot.sector < other.sector + other.count &&
		    other.sector < slot.sector + slot.count)
			return true;
	}
	return false;
}

u32 Workload::choose_op(Slot &slot)
{
	const u64 dice = random_.below(20);

	slot.request.flags = 0;
	if (dice < 3)
		return TBK_OP_DISCARD;
	if (dice < 4)
		return TBK_OP_WRITE_ZEROES;
	if (dice < 6)
		slot.request.flags |= TBK_IO_FUA;
	if (dice < 7 && dice > 4)
		slot.request.flags |= TBK_IO_PREFLUSH;
	if (random_.one_in(4))
		slot.request.flags |= TBK_REQUEST_QUICK;
	return TBK_OP_WRITE;
}

/* Puts the new values into the ledger, and into the buffer. */
void Workload::note(Slot &slot, u32 op)
{
	Disk &disk = *slot.live->disk;
	const u64 serial = op == TBK_OP_WRITE ? ledger_.new_serial() : 0;
	const u64 end = slot.sector + slot.count;

	slot.change = ledger_.begin_change(now());
	for (u64 at = slot.sector; at < end; at++) {
		const u64 block = at / sectors_per_block * sectors_per_block;

		const bool is_zero = options_.detects_zeroes && (block + serial) % 3 == 0;
		u8 *sector = &slot.buffer[(at - slot.sector) * sector_size];

		if (serial && is_zero)
			memset(sector, 0, sector_size);
		else if (serial)
			fill_sector(sector, { serial, disk.id, static_cast<u32>(at) });
		/* Only whole blocks are discarded. */
		if (op == TBK_OP_DISCARD &&
		    (block < slot.sector || block + sectors_per_block > end))
			continue;
		disk.history[at].push_back({ is_zero ? 0 : serial, slot.change });
	}
}

void Workload::request(Live &live)
{
	Slot &slot = idle_slot();

	if (live.is_leaving || !live.handle)
		return;
	slot.live = &live;
	slot.change = 0;
	choose_range(slot);
	if (is_in_the_way(slot)) {
		slot.live = nullptr;
		return;
	}
	const u32 op = choose_op(slot);

	slot.covers.clear();
	if (slot.request.flags & TBK_IO_PREFLUSH)
		slot.covers = ledger_.completed(*live.disk);
	note(slot, op);
	if (slot.request.flags & TBK_IO_FUA)
		slot.covers.push_back(slot.change);
	submit(slot, op);
}

void Workload::flush(Live &live)
{
	Slot &slot = idle_slot();

	if (live.is_leaving || !live.handle)
		return;
	slot.live = &live;
	slot.sector = 0;
	slot.count = 0;
	slot.change = 0;
	slot.request.flags = 0;
	slot.covers = ledger_.completed(*live.disk);
	submit(slot, TBK_OP_FLUSH);
}

/* Those of several volumes at once, which may share a block of the journal. */
void Workload::flush_all()
{
	for (size_t i = 0; i < lives_.size(); i++) {
		if (lives_[i].handle && !lives_[i].is_leaving)
			flush(lives_[i]);
	}
}

void Workload::submit(Slot &slot, u32 op)
{
	struct tbk_request &request = slot.request;

	slot.done_at = never;
	slot.may_fail = slot.sector + slot.count > slot.live->shrinks_to;
	request.op = op;
	request.sector = slot.sector;
	request.bytes = slot.count * sector_size;
	request.payload = {};
	if (op == TBK_OP_WRITE)
		request.payload = { slot.buffer.data(), TBK_PAYLOAD_BUFFER, 0, request.bytes };
	request.done = done;
	request.error = 1;
	tbk_volume_submit(slot.live->handle, &request);
}

void Workload::done(struct tbk_request *request)
{
	auto *slot = reinterpret_cast<Slot *>(request);

	slot->done_at = slot->workload->now();
	tbk_wake(&slot->workload->requests_wait_);
	tbk_wake(&slot->workload->changes_wait_);
}

bool Workload::is_any_done() const
{
	for (const Slot &slot : slots_) {
		if (slot.live && slot.done_at != never)
			return true;
	}
	return false;
}

/* NULL: anything. */
bool Workload::is_busy(const Live *live) const
{
	for (const Slot &slot : slots_) {
		if (slot.live && (!live || slot.live == live))
			return true;
	}
	return false;
}

void Workload::reap()
{
	for (Slot &slot : slots_) {
		if (!slot.live || slot.done_at == never)
			continue;
		finish(slot);
		slot.live = nullptr;
	}
}

/* A write that found no space may have been carried out in part: it never counts as completed. */
void Workload::finish(Slot &slot)
{
	if (slot.request.error == -TBK_ENOSPC) {
		refused_++;
	} else if (slot.request.error == -TBK_EINVAL && slot.may_fail) {
		return;
	} else if (slot.request.error) {
		fail("a request of " + slot.live->disk->name(), slot.request.error);
	} else {
		if (slot.change != 0)
			ledger_.changes[slot.change].completed = slot.done_at;
		ledger_.make_durable(slot.covers, slot.done_at);
	}
}

} // namespace thinback::crash
