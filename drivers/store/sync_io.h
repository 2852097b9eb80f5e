/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to the device that somebody waits for: metadata. */
#pragma once

#include <thinback/base/block.h>
#include <thinback/base/lock.h>
#include <thinback/base/result.h>
#include <thinback/base/span.h>
#include <thinback/format/block.h>

namespace thinback {

inline constexpr u64 sectors_per_block = format::block_size / 512;

/*
 * Counts requests in flight; one thread waits for all. The object may live on
 * the waiter's stack: the last completion lets go of it before wait() returns.
 */
class IoWait {
public:
	IoWait();
	IoWait(const IoWait &) = delete;
	IoWait &operator=(const IoWait &) = delete;

	void begin() TBK_EXCLUDES(lock_);
	/* From a completion. @error: 0 or a negative errno; the first one stays. */
	void end(int error) TBK_EXCLUDES(lock_);
	/* Until at most @left are in flight. */
	void wait_for(u32 left) TBK_EXCLUDES(lock_);
	/* Until none is; tells the first error. */
	Status wait() TBK_EXCLUDES(lock_);

private:
	IrqLock lock_{ TBK_RANK_WORK };
	struct tbk_wait wait_ {};
	u32 pending_ = 0; /* written under lock_, read without while waiting */
	u32 wanted_ = 0;
	int error_ TBK_GUARDED_BY(lock_) = 0;

	static int is_low(void *self);
};

/* One metadata block or a run of them, read or written at once. May sleep. */
Status read_blocks(struct tbk_device &device, PhysicalBlock at, void *buffer, BlockCount count);
Status write_blocks(struct tbk_device &device, PhysicalBlock at, void *buffer, BlockCount count,
		    u32 flags);
/* Data of less than a block. May sleep. */
Status write_sectors(struct tbk_device &device, u64 sector, Span<u8> bytes, u32 flags);
/* All writes that completed before are on disk. Nothing on a device without a volatile cache. May sleep. */
Status flush_device(struct tbk_device &device);

/*
 * Writes of single blocks, up to `depth` at a time. The buffers stay unchanged
 * until wait() has returned.
 */
class WriteBatch {
public:
	static constexpr u32 depth = 64;

	explicit WriteBatch(struct tbk_device &device) : device_(device) {}
	~WriteBatch();
	Status init();
	WriteBatch(const WriteBatch &) = delete;
	WriteBatch &operator=(const WriteBatch &) = delete;

	/* May sleep until an earlier write has ended. */
	void add(PhysicalBlock at, void *buffer);
	/* Room for a block, zeroed, until wait(); waits by itself when there is none left. */
	void *buffer();
	Status wait();

private:
	struct Slot {
		struct tbk_io io;
		struct tbk_payload payload;
		WriteBatch *batch;
		bool busy; /* guarded by the batch's lock_ */
	};

	Slot &take_slot();
	static void done(struct tbk_io *io);

	struct tbk_device &device_;
	IoWait in_flight_;
	IrqLock lock_{ TBK_RANK_WORK };
	Slot slots_[depth] = {};
	u8 *buffers_ = nullptr; /* `depth` blocks */
	u32 buffers_used_ = 0;
};

/* Seals and checks what every metadata block starts with. */
u32 checksum_of(const void *block);
void seal_block(void *block);
/* Checksum, magic, place and pool; what the records mean is for others to say. */
Status check_block(const void *block, u32 magic, PhysicalBlock at, u64 pool);

} // namespace thinback
