/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/list.h>
#include <thinback/base/lock.h>
#include <thinback/base/owned.h>
#include <thinback/platform.h>

namespace thinback {

/*
 * A block device in memory for tests that run in the kernel, too; zeros until
 * written. Pages are allocated by the write that needs them. Requests are done
 * before submit returns, or by a worker: then in order, one after the other.
 */
class RamDevice : public tbk_device {
public:
	enum class Completion { at_once, by_worker };

	static Result<Owned<RamDevice>>
	create(u64 bytes, Completion completion = Completion::at_once, u32 logical_block = 512);
	~RamDevice();
	RamDevice(const RamDevice &) = delete;
	RamDevice &operator=(const RamDevice &) = delete;

	/* The content, behind the core's back; inside one page of 4096 bytes. */
	void read(u64 at, void *to, size_t bytes);
	Status write(u64 at, const void *from, size_t bytes);

	/* The @n-th from now fails with EIO; 0: none does. */
	void fail_read(u32 n) { fail_read_.store_relaxed(n); }
	void fail_all_reads(bool fail) { fail_all_reads_.store_relaxed(fail); }
	void fail_write(u32 n) { fail_write_.store_relaxed(n); }
	void fail_flush(u32 n) { fail_flush_.store_relaxed(n); }

	u64 writes() const { return writes_.load_relaxed(); }
	u64 flushes() const { return flushes_.load_relaxed(); }

private:
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	/* Lies in tbk_io.opaque. */
	struct Waiting {
		ListLink link;
		struct tbk_io *io = nullptr;
	};
	struct Worker {
		struct tbk_work raw; /* first: found from it */
		RamDevice *device;
	};

	static constexpr u64 pages_per_table = 512;
	struct Table {
		u8 *pages[pages_per_table];
	};

	RamDevice(u64 bytes, Table **tables, u32 logical_block);

	static void submit(struct tbk_device *device, struct tbk_io *io);
	static void tell(struct tbk_device *device, struct tbk_device_info *info);
	static void work(struct tbk_work *raw);
	static bool hits(Atomic<u32> &countdown);
	u64 table_count() const;
	u8 *find_page(u64 index) const;
	Result<u8 *> make_page(u64 index);
	int run(const struct tbk_io &io);
	int move_piece(const struct tbk_io &io, u64 done, size_t length);
	void complete(struct tbk_io *io);

	static constexpr struct tbk_device_ops ram_ops = { submit, tell };
	u64 bytes_;
	u32 logical_block_;
	Table **tables_; /* entries are set once */
	struct tbk_queue *queue_ = nullptr;
	Worker worker_{};
	IrqLock lock_{ TBK_RANK_WORK };
	List<Waiting, &Waiting::link> waiting_ TBK_GUARDED_BY(lock_);
	Atomic<u32> fail_read_;
	Atomic<u32> fail_all_reads_;
	Atomic<u32> fail_write_;
	Atomic<u32> fail_flush_;
	Atomic<u64> writes_;
	Atomic<u64> flushes_;
};

} // namespace thinback
