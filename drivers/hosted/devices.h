/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices of a process. Each is a struct tbk_device for the core. */
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* A file or a block device, to which requests are made at once and in place. */
class FileDevice : public tbk_device {
public:
	enum Mode { read_only, read_write };

	/*
	 * Exclusively: a block device that is mounted or held, or a file that
	 * another of us has open, is -EBUSY. NULL on failure, with a negative
	 * errno in @error.
	 */
	static std::unique_ptr<FileDevice> open(const std::string &path, Mode mode, int &error);
	~FileDevice();
	FileDevice(const FileDevice &) = delete;
	FileDevice &operator=(const FileDevice &) = delete;

private:
	FileDevice(int fd, const std::string &path, Mode mode);
	int learn();
	int run(const struct tbk_io &io) const;
	int transfer(const struct tbk_io &io) const;
	int discard(const struct tbk_io &io) const;
	static void submit(struct tbk_device *device, struct tbk_io *io);
	static void tell(struct tbk_device *device, struct tbk_device_info *info);

	static constexpr struct tbk_device_ops file_ops = { submit, tell };
	int fd_;
	bool is_block_ = false;
	struct tbk_device_info info_ {};
};

struct DeviceCounts {
	u64 reads, writes, flushes, discards;
	u64 bytes_read, bytes_written, bytes_discarded;
};

/*
 * Memory, in pages that exist once they are written. Requests are counted,
 * fail on demand, and are done at once, or in the order the scheduler likes.
 */
class MemoryDevice : public tbk_device {
public:
	struct Options {
		u32 logical_block = 512;
		bool asynchronous = false; /* inside hosted_run() only */
		/* Every so many-th request is done when nothing else goes on; 0: none. */
		u32 late = 0;
		/*
		 * Asynchronous: in virtual time, how long a request takes, and how many are
		 * done side by side; others wait their turn. 0: no time at all.
		 */
		u64 latency_ns = 0;
		u32 side_by_side = 1;
		bool volatile_cache = true;
		bool discards = true;
		u32 discard_granularity = 4096;
		/* What was discarded reads as rubbish, as it may on a disk; else as zeros. */
		bool does_discard_scramble = false;
		/* Buffers of the core do not change while they are written; a guest's may. */
		bool is_payload_stable = true;
		/* Else zeros written to what was never written take no memory, and some time. */
		bool keeps_zeros = true;
		const char *name = "memory";
	};

	explicit MemoryDevice(u64 bytes) : MemoryDevice(bytes, Options()) {}
	MemoryDevice(u64 bytes, const Options &options);
	virtual ~MemoryDevice();
	MemoryDevice(const MemoryDevice &) = delete;
	MemoryDevice &operator=(const MemoryDevice &) = delete;

	u64 size() const { return bytes_; }
	/* What is cut off is gone. */
	void resize(u64 bytes);

	/* The content, behind the core's back; any range. */
	void read(u64 at, void *to, size_t bytes) const;
	void write(u64 at, const void *from, size_t bytes);
	void clear(u64 at, u64 bytes);
	/* Reads of any of @block, of 4096 bytes, fail with ENODATA until it is written: a medium's error. */
	void break_block(u64 block) { broken_.insert(block); }
	/* What is there becomes zeros or rubbish, page by page as @seed has it. */
	void spoil(u64 at, u64 bytes, u64 seed);
	/* Makes the content equal to @other's; cheap, as pages are shared until written. */
	void copy_from(const MemoryDevice &other);
	/* The same without a copy: @other, which lies on none, stays and does not change meanwhile. */
	void lie_on(const MemoryDevice &other);
	u64 pages_used() const { return pages_.size(); }

	const DeviceCounts &counts() const { return counts_; }
	u32 in_flight() const { return in_flight_; }

	/*
	 * The @n-th from now fails with EIO, and with @forever all after it, too;
	 * 0: none does. A write that fails leaves what was there.
	 */
	void fail_read(u64 n, bool forever = false) { faults_[TBK_OP_READ] = { n, forever }; }
	void fail_write(u64 n, bool forever = false) { faults_[TBK_OP_WRITE] = { n, forever }; }
	void fail_flush(u64 n, bool forever = false) { faults_[TBK_OP_FLUSH] = { n, forever }; }
	void fail_discard(u64 n, bool forever = false) { faults_[TBK_OP_DISCARD] = { n, forever }; }
	/* The @n-th from now is done a minute late, when all else has had its turn; 0: none is. */
	void delay_read(u64 n) { delays_[TBK_OP_READ] = n; }
	void delay_write(u64 n) { delays_[TBK_OP_WRITE] = n; }
	void delay_flush(u64 n) { delays_[TBK_OP_FLUSH] = n; }
	/* Requests are taken and not done until let go. */
	void hold();
	void let_go();

protected:
	/*
	 * For those who record. A write with PREFLUSH is a flush, and when that
	 * is done, a write. Discards are writes, too. What *_submitted() returns
	 * comes back with *_done().
	 */
	virtual u64 note_flush_submitted();
	virtual void note_flush_done(u64 number, int error);
	virtual u64 note_write_submitted(const struct tbk_io &io);
	virtual void note_write_done(u64 number, int error);

private:
	struct Page {
		u8 bytes[4096];
	};
	struct Fault {
		u64 in;
		bool forever;
	};
	struct Flight {
		MemoryDevice *device;
		struct tbk_io *io;
		u32 checksum;
		u64 flush; /* what note_*_submitted() returned */
		u64 write;
	};

	static void submit(struct tbk_device *device, struct tbk_io *io);
	static void tell(struct tbk_device *device, struct tbk_device_info *info);
	static void land(void *context);
	void check(const struct tbk_io &io) const;
	u32 checksum_of(const struct tbk_io &io) const;
	int perform(Flight &flight);
	int flush();
	int run(const struct tbk_io &io);
	int transfer(const struct tbk_io &io);
	bool is_broken(const struct tbk_io &io);
	bool fails(u32 op);
	u64 delay(const struct tbk_io &io);
	u64 queueing_delay();
	const Page *find_page(u64 index) const;
	Page &page_for_write(u64 index);
	void discard(u64 at, u64 bytes);
	void drop_pages(u64 first, u64 end);
	void clear_part(u64 at, size_t bytes);

	static constexpr struct tbk_device_ops memory_ops = { submit, tell };
	u64 bytes_;
	Options options_;
	/* NULL: zeros, whatever lies below. */
	std::unordered_map<u64, std::shared_ptr<Page>> pages_;
	const MemoryDevice *below_ = nullptr;
	std::set<u64> broken_;
	DeviceCounts counts_{};
	Fault faults_[TBK_OP_WRITE_ZEROES + 1]{};
	u64 delays_[TBK_OP_WRITE_ZEROES + 1]{};
	u32 in_flight_ = 0;
	u64 taken_ = 0;			/* requests so far */
	std::multiset<u64> busy_until_; /* of each that is busy side by side */
	bool is_holding_ = false;
	std::vector<Flight *> held_;
};

} // namespace thinback
