// SPDX-License-Identifier: GPL-2.0
#include "disk.h"

#include "cases.h"

namespace thinback {

namespace {

constexpr u32 words = 512 / sizeof(u64);
constexpr u64 sectors_per_block = 8;

u64 first_word(u64 unit, u32 index, u32 version)
{
	return (unit * unit_sectors + index) << 32 | version;
}

u64 word_of(u64 first, u64 salt, u32 i)
{
	return i ? (first + salt) * 0x9e3779b97f4a7c15ull + i : first;
}

} // namespace

void fill_unit(u8 *buffer, u64 salt, u64 unit, u32 version)
{
	auto *to = reinterpret_cast<u64 *>(buffer);

	for (u32 index = 0; index < unit_sectors; index++) {
		const u64 first = first_word(unit, index, version);

		for (u32 i = 0; i < words; i++)
			*to++ = word_of(first, salt, i);
	}
}

u32 version_in(const u8 *sector, u64 salt, u64 unit, u32 index)
{
	const auto *from = reinterpret_cast<const u64 *>(sector);
	const u32 version = static_cast<u32>(from[0]);
	const u64 first = first_word(unit, index, version);

	for (u32 i = 0; i < words; i++) {
		const u64 wanted = version ? word_of(first, salt, i) : 0;

		if (from[i] != wanted)
			return ~0u;
	}
	return version;
}

/* ---- a request ---- */

Slot::Slot() : buffer(static_cast<u8 *>(tbk_big_alloc(unit_bytes)))
{
	tbk_wait_init(&wait_);
}

void Slot::done(struct tbk_request *request)
{
	Slot &slot = *reinterpret_cast<Slot *>(request);
	IrqGuard guard(slot.lock_);

	slot.is_done_ = true;
	tbk_wake(&slot.wait_);
}

int Slot::is_done(void *self)
{
	Slot &slot = *static_cast<Slot *>(self);
	IrqGuard guard(slot.lock_);

	return slot.is_done_;
}

void Slot::submit(struct tbk_volume *handle, u32 op, u64 of_unit, u32 flags)
{
	const bool has_bytes = op == TBK_OP_READ || op == TBK_OP_WRITE;

	unit = of_unit;
	is_done_ = false;
	request.op = op;
	request.flags = flags;
	request.sector = op == TBK_OP_FLUSH ? 0 : unit * unit_sectors;
	request.bytes = op == TBK_OP_FLUSH ? 0 : unit_bytes;
	request.payload = {};
	if (has_bytes)
		request.payload = { buffer, TBK_PAYLOAD_BUFFER, 0, unit_bytes };
	request.done = done;
	request.error = 1;
	tbk_volume_submit(handle, &request);
}

int Slot::wait()
{
	tbk_wait_until(&wait_, is_done, this);
	return request.error;
}

/* ---- a writer ---- */

/* No two of a batch are the same. */
u64 Writer::pick_unit(u32 slot)
{
	const u64 mine = (disk_.units.size() - which_ + writers_ - 1) / writers_;
	const u64 share = mine / depth;
	const u64 near =
		random_.one_in(2) ? random_.below(min<u64>(share, 8)) : random_.below(share);

	return (slot * share + near) * writers_ + which_;
}

void Writer::begin(Slot &slot, struct tbk_volume *handle)
{
	static constexpr u32 ops[] = { TBK_OP_WRITE,   TBK_OP_WRITE,	    TBK_OP_WRITE,
				       TBK_OP_WRITE,   TBK_OP_READ,	    TBK_OP_READ,
				       TBK_OP_DISCARD, TBK_OP_WRITE_ZEROES, TBK_OP_FLUSH };
	const u64 number = pick_unit(static_cast<u32>(&slot - slots_));
	Unit &unit = disk_.units[number];
	const u32 op = ops[random_.below(sizeof(ops) / sizeof(ops[0]))];
	u32 flags = 0;

	if (op == TBK_OP_WRITE) {
		slot.version = unit.begun.load_relaxed() + 1;
		unit.begun.store_relaxed(slot.version);
		fill_unit(slot.buffer, disk_.salt, number, slot.version);
		if (random_.one_in(16))
			flags |= TBK_IO_FUA;
		if (random_.one_in(32))
			flags |= TBK_IO_PREFLUSH;
	} else if (op == TBK_OP_DISCARD || op == TBK_OP_WRITE_ZEROES) {
		unit.emptied.store_relaxed(1);
	}
	if (random_.one_in(4))
		flags |= TBK_REQUEST_QUICK;
	slot.submit(handle, op, number, flags);
}

/* Discards leave blocks that they cover in part. */
void Writer::empty(Unit &unit, u64 number, bool is_exact)
{
	const u64 start = number * unit_sectors;
	const u64 end = start + unit_sectors;

	for (u32 i = 0; i < unit_sectors; i++) {
		const u64 block = (start + i) / sectors_per_block * sectors_per_block;

		if (is_exact || (block >= start && block + sectors_per_block <= end))
			unit.tags[i] = 0;
	}
}

void Writer::end_read(const Slot &slot)
{
	for (u32 i = 0; i < unit_sectors; i++) {
		const u32 wanted = disk_.units[slot.unit].tags[i];
		const u32 found = version_in(slot.buffer + i * 512ul, disk_.salt, slot.unit, i);

		if (found == wanted)
			continue;
		complain("%s: sector %u of unit %llu has version %u, not %u", disk_.name.c_str(), i,
			 slot.unit, found, wanted);
		return;
	}
}

void Writer::end(Slot &slot)
{
	Unit &unit = disk_.units[slot.unit];
	const int error = slot.wait();

	if (error) {
		complain("%s: request %u for unit %llu failed: %d", disk_.name.c_str(),
			 slot.request.op, slot.unit, error);
		return;
	}
	switch (slot.request.op) {
	case TBK_OP_WRITE:
		for (u32 &tag : unit.tags)
			tag = slot.version;
		unit.completed.store_relaxed(slot.version);
		return;
	case TBK_OP_READ:
		end_read(slot);
		return;
	case TBK_OP_DISCARD:
	case TBK_OP_WRITE_ZEROES:
		empty(unit, slot.unit, slot.request.op == TBK_OP_WRITE_ZEROES);
	}
}

void Writer::step(struct tbk_volume *handle)
{
	for (Slot &slot : slots_)
		begin(slot, handle);
	for (Slot &slot : slots_)
		end(slot);
}

void Writer::verify(struct tbk_volume *handle)
{
	Slot &slot = slots_[0];

	for (u64 number = which_; number < disk_.units.size(); number += writers_) {
		slot.submit(handle, TBK_OP_READ, number, 0);
		end(slot);
	}
}

} // namespace thinback
