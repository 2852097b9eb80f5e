/* SPDX-License-Identifier: GPL-2.0 */
/* A volume that several threads write, each its own units, and what it should hold. */
#pragma once

#include <string>
#include <vector>

#include <thinback/base/atomic.h>
#include <thinback/base/lock.h>
#include <thinback/entry.h>

#include "../harness/shared/random.h"

namespace thinback {

/* Of 6 KiB: every other one begins and ends in the middle of a block that its neighbour writes, too. */
constexpr u32 unit_sectors = 12;
constexpr u32 unit_bytes = unit_sectors * 512;

/* One request that somebody waits for. */
class Slot {
public:
	Slot();
	~Slot() { tbk_big_free(buffer); }
	Slot(const Slot &) = delete;
	Slot &operator=(const Slot &) = delete;

	void submit(struct tbk_volume *handle, u32 op, u64 unit, u32 flags);
	/* Returns 0 or a negative errno. */
	int wait();

	struct tbk_request request {}; /* first: found from it */
	u8 *buffer;
	u64 unit = 0;
	u32 version = 0;

private:
	static void done(struct tbk_request *request);
	static int is_done(void *self);

	IrqLock lock_{ TBK_RANK_WORK };
	struct tbk_wait wait_ {};
	bool is_done_ = true;
};

struct Unit {
	Atomic<u32> begun;	     /* version of the last write submitted */
	Atomic<u32> completed;	     /* ... and answered */
	Atomic<u32> emptied;	     /* it may hold zeros as well */
	u32 tags[unit_sectors] = {}; /* versions, 0 for zeros; its writer's alone */
};

/* Fills a buffer with what a unit holds after a write. */
void fill_unit(u8 *buffer, u64 salt, u64 unit, u32 version);
/* The version that a sector holds, 0 for zeros, ~0 if it was never written like that. */
u32 version_in(const u8 *sector, u64 salt, u64 unit, u32 index);

class Disk {
public:
	Disk(std::string disk_name, u64 disk_salt, u64 unit_count)
		: name(std::move(disk_name)), salt(disk_salt), units(unit_count)
	{
	}

	u64 bytes() const { return units.size() * unit_bytes; }

	const std::string name;
	const u64 salt; /* a clone has its origin's */
	std::vector<Unit> units;
};

/* Writes, reads and discards those units of a disk whose number is @which modulo @writers. */
class Writer {
public:
	Writer(Disk &disk, u64 which, u64 writers) : disk_(disk), which_(which), writers_(writers)
	{
	}

	/* A few requests at once, waited for. */
	void step(struct tbk_volume *handle);
	/* Reads all of them. */
	void verify(struct tbk_volume *handle);

private:
	static constexpr u32 depth = 3;

	u64 pick_unit(u32 slot);
	void begin(Slot &slot, struct tbk_volume *handle);
	void end(Slot &slot);
	void end_read(const Slot &slot);
	void empty(Unit &unit, u64 number, bool is_exact);

	Disk &disk_;
	const u64 which_;
	const u64 writers_;
	Random random_;
	Slot slots_[depth];
};

} // namespace thinback
