// SPDX-License-Identifier: GPL-2.0
#include "sync_io.h"

#include <thinback/base/atomic.h>
#include <thinback/base/container.h>

namespace thinback {

IoWait::IoWait()
{
	tbk_wait_init(&wait_);
}

void IoWait::begin()
{
	IrqGuard guard(lock_);

	write_once(pending_, pending_ + 1);
}

/* Woken under the lock, so that a waiter who has taken it once is the last to know the object. */
void IoWait::end(int error)
{
	IrqGuard guard(lock_);

	if (error && !error_)
		error_ = error;
	write_once(pending_, pending_ - 1);
	if (pending_ <= read_once(wanted_))
		tbk_wake(&wait_);
}

int IoWait::is_low(void *self)
{
	const auto *wait = static_cast<IoWait *>(self);

	return read_once(wait->pending_) <= read_once(wait->wanted_);
}

void IoWait::wait_for(u32 left)
{
	{
		IrqGuard guard(lock_);
		write_once(wanted_, left);
	}
	tbk_wait_until(&wait_, is_low, this);
	IrqGuard guard(lock_);
}

Status IoWait::wait()
{
	wait_for(0);
	IrqGuard guard(lock_);

	if (error_)
		return from_errno(error_);
	return {};
}

namespace {

struct SyncIo {
	struct tbk_io io {};
	struct tbk_payload payload {};
	IoWait wait;
};

void sync_done(struct tbk_io *io)
{
	container_of<&SyncIo::io>(io).wait.end(io->error);
}

Status run(struct tbk_device &device, SyncIo &sync)
{
	sync.io.payload = &sync.payload;
	sync.io.done = sync_done;
	sync.wait.begin();
	device.ops->submit(&device, &sync.io);
	return sync.wait.wait();
}

void fill(SyncIo &sync, PhysicalBlock at, void *buffer, BlockCount count)
{
	sync.io.sector = at.raw() * sectors_per_block;
	sync.io.bytes = count.raw() * format::block_size;
	sync.payload.kind = TBK_PAYLOAD_BUFFER;
	sync.payload.data = buffer;
	sync.payload.bytes = sync.io.bytes;
}

} // namespace

Status read_blocks(struct tbk_device &device, PhysicalBlock at, void *buffer, BlockCount count)
{
	SyncIo sync;

	sync.io.op = TBK_OP_READ;
	sync.io.flags = TBK_IO_META | TBK_IO_SYNC;
	fill(sync, at, buffer, count);
	return run(device, sync);
}

Status write_blocks(struct tbk_device &device, PhysicalBlock at, void *buffer, BlockCount count,
		    u32 flags)
{
	SyncIo sync;

	sync.io.op = TBK_OP_WRITE;
	sync.io.flags = TBK_IO_META | TBK_IO_SYNC | flags;
	fill(sync, at, buffer, count);
	return run(device, sync);
}

Status write_sectors(struct tbk_device &device, u64 sector, Span<u8> bytes, u32 flags)
{
	SyncIo sync;

	sync.io.op = TBK_OP_WRITE;
	sync.io.flags = TBK_IO_SYNC | flags;
	sync.io.sector = sector;
	sync.io.bytes = bytes.size();
	sync.payload = { bytes.data(), TBK_PAYLOAD_BUFFER, 0, bytes.size() };
	return run(device, sync);
}

Status flush_device(struct tbk_device &device)
{
	struct tbk_device_info info {};
	SyncIo sync;

	device.ops->info(&device, &info);
	if (!info.volatile_cache)
		return {};
	sync.io.op = TBK_OP_FLUSH;
	sync.io.flags = TBK_IO_SYNC;
	return run(device, sync);
}

WriteBatch::~WriteBatch()
{
	in_flight_.wait_for(0);
	tbk_big_free(buffers_);
}

Status WriteBatch::init()
{
	buffers_ = static_cast<u8 *>(tbk_big_alloc(depth * format::block_size));
	return buffers_ ? Status() : Err::no_memory;
}

/* The first error stays for wait() to tell. */
void *WriteBatch::buffer()
{
	if (buffers_used_ == depth) {
		in_flight_.wait_for(0);
		buffers_used_ = 0;
	}
	void *block = buffers_ + buffers_used_++ * format::block_size;

	__builtin_memset(block, 0, format::block_size);
	return block;
}

WriteBatch::Slot &WriteBatch::take_slot()
{
	for (;;) {
		in_flight_.wait_for(depth - 1);
		IrqGuard guard(lock_);

		for (Slot &slot : slots_) {
			if (slot.busy)
				continue;
			slot.busy = true;
			return slot;
		}
	}
}

void WriteBatch::add(PhysicalBlock at, void *buffer)
{
	Slot &slot = take_slot();

	slot.batch = this;
	slot.payload = { buffer, TBK_PAYLOAD_BUFFER, 0, format::block_size };
	slot.io = {};
	slot.io.op = TBK_OP_WRITE;
	slot.io.flags = TBK_IO_META | TBK_IO_SYNC;
	slot.io.sector = at.raw() * sectors_per_block;
	slot.io.bytes = format::block_size;
	slot.io.payload = &slot.payload;
	slot.io.done = done;
	in_flight_.begin();
	device_.ops->submit(&device_, &slot.io);
}

void WriteBatch::done(struct tbk_io *io)
{
	Slot &slot = container_of<&Slot::io>(io);
	WriteBatch &batch = *slot.batch;
	const int error = io->error;

	{
		IrqGuard guard(batch.lock_);
		slot.busy = false;
	}
	batch.in_flight_.end(error);
}

Status WriteBatch::wait()
{
	const Status done = in_flight_.wait();

	buffers_used_ = 0;
	return done.is_ok() ? Status() : done.error();
}

u32 checksum_of(const void *block)
{
	constexpr size_t skip = sizeof(format::BlockHeader::checksum);

	return tbk_crc32c(~0u, static_cast<const u8 *>(block) + skip, format::block_size - skip);
}

void seal_block(void *block)
{
	static_cast<format::BlockHeader *>(block)->checksum.set(checksum_of(block));
}

Status check_block(const void *block, u32 magic, PhysicalBlock at, u64 pool)
{
	const auto &header = *static_cast<const format::BlockHeader *>(block);

	if (header.magic.get() != magic)
		return Err::bad_magic;
	if (header.checksum.get() != checksum_of(block))
		return Err::bad_checksum;
	if (header.self.get() != at.raw())
		return Err::misplaced;
	if (header.pool.get() != pool)
		return Err::wrong_pool;
	return {};
}

} // namespace thinback
