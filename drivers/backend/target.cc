// SPDX-License-Identifier: GPL-2.0
#include "target.h"

namespace thinback {
namespace {

struct Command {
	u32 op;
	u32 flags;
};

Command command_of(Operation operation)
{
	switch (operation) {
	case Operation::read:
		return { TBK_OP_READ, TBK_IO_SYNC };
	case Operation::write:
		return { TBK_OP_WRITE, TBK_IO_SYNC };
	case Operation::flush:
		return { TBK_OP_FLUSH, TBK_IO_SYNC };
	case Operation::flush_write:
		return { TBK_OP_WRITE, TBK_IO_SYNC | TBK_IO_PREFLUSH };
	case Operation::flush_write_fua:
		return { TBK_OP_WRITE, TBK_IO_SYNC | TBK_IO_PREFLUSH | TBK_IO_FUA };
	case Operation::discard:
		return { TBK_OP_DISCARD, 0 };
	}
	return { TBK_OP_READ, 0 };
}

void volume_done(struct tbk_request *request)
{
	auto *raw = reinterpret_cast<u8 *>(request) - offsetof(Transfer, request);
	auto &transfer = *reinterpret_cast<Transfer *>(raw);

	transfer.done(transfer, request->error);
}

void device_done(struct tbk_io *io)
{
	auto *raw = reinterpret_cast<u8 *>(io) - offsetof(Transfer, io);
	auto &transfer = *reinterpret_cast<Transfer *>(raw);

	transfer.done(transfer, io->error);
}

} // namespace

void Target::open(const struct tbk_vbd_target &behind)
{
	TBK_ASSERT(!is_open() && !behind.volume != !behind.device);
	behind_ = behind;
	refresh();
}

void Target::refresh()
{
	if (!behind_.device)
		return;
	behind_.device->ops->info(behind_.device, &info_);
	bytes_.store_relaxed(info_.bytes);
}

void Target::measure()
{
	struct tbk_device_info now = {};

	if (!behind_.device)
		return;
	behind_.device->ops->info(behind_.device, &now);
	bytes_.store_relaxed(now.bytes);
}

DiskLimits Target::limits() const
{
	DiskLimits limits;

	limits.is_read_only = behind_.read_only != 0;
	if (behind_.volume) {
		limits.sectors = tbk_volume_size(behind_.volume) / xen::sector_size;
		limits.block_sectors = tbk_volume_sector(behind_.volume) / xen::sector_size;
		limits.is_read_only |= tbk_volume_read_only(behind_.volume) != 0;
	} else {
		limits.sectors = bytes_.load_relaxed() / xen::sector_size;
		limits.block_sectors = info_.logical_block / xen::sector_size;
		limits.is_read_only |= info_.read_only != 0;
	}
	limits.has_discard = !limits.is_read_only && discard_granularity() != 0;
	limits.has_barrier = has_volatile_cache();
	return limits;
}

u32 Target::discard_granularity() const
{
	if (!behind_.discard)
		return 0;
	return behind_.volume ? TBK_BLOCK : info_.discard_granularity;
}

u32 Target::discard_alignment() const
{
	return behind_.volume || !behind_.discard ? 0 : info_.discard_alignment;
}

u32 Target::physical_block() const
{
	return behind_.volume ? TBK_BLOCK : info_.physical_block;
}

bool Target::has_volatile_cache() const
{
	/* A volume's mapping is in memory until a flush, whatever the device below has. */
	return behind_.volume || info_.volatile_cache != 0;
}

u32 Target::info_bits() const
{
	return (behind_.cdrom ? xen::info_cdrom : 0u) |
	       (behind_.removable ? xen::info_removable : 0u) |
	       (limits().is_read_only ? xen::info_read_only : 0u);
}

void Target::leave() const
{
	if (behind_.volume)
		tbk_volume_leave(behind_.volume);
}

void Target::stay() const
{
	if (behind_.volume)
		tbk_volume_stay(behind_.volume);
}

void Target::submit(Transfer &transfer) const
{
	if (behind_.volume)
		submit_to_volume(transfer);
	else
		submit_to_device(transfer);
}

void Target::submit_to_volume(Transfer &transfer) const
{
	const Command command = command_of(transfer.operation);
	struct tbk_request &request = transfer.request;

	request.op = command.op;
	request.flags = command.flags;
	request.sector = transfer.sector;
	request.bytes = transfer.bytes;
	request.payload = transfer.payload;
	request.done = volume_done;
	request.error = 0;
	tbk_volume_submit(behind_.volume, &request);
}

void Target::submit_to_device(Transfer &transfer) const
{
	const Command command = command_of(transfer.operation);
	struct tbk_io &io = transfer.io;

	io.op = command.op;
	io.flags = command.flags;
	io.sector = transfer.sector;
	io.bytes = transfer.bytes;
	io.payload = &transfer.payload;
	io.offset = 0;
	io.done = device_done;
	io.error = 0;
	behind_.device->ops->submit(behind_.device, &io);
}

} // namespace thinback
