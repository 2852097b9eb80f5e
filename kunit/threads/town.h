/* SPDX-License-Identifier: GPL-2.0 */
/* A pool on real threads: who writes, who takes snapshots, who removes, who syncs. */
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../../drivers/threads/device.h"
#include "disk.h"

namespace thinback {

struct TownOptions {
	u64 device_bytes = 512ull << 20;
	u32 logical_block = 512;
	bool may_race = false; /* as of ThreadDevice */
	u32 volumes = 4;
	u32 writers = 2;     /* of each volume */
	u64 units = 384;     /* of each volume; a multiple of 4 */
	u32 cache_limit = 0; /* nodes; 0: the default */
	u32 snapshots = 0;   /* threads that take snapshots, clone, and remove both */
	u32 removals = 0;    /* threads that make volumes, write and remove them */
	u32 syncs = 0;	     /* threads that sync, settle and look */
	u32 scrubs = 0;	     /* threads that scrub; these read what is being written */
	u32 closes = 0;	     /* every so many steps a writer closes its volume and opens it again */
	u32 reopens = 0;     /* so often, all stop and the pool is closed and opened */
};

class Town {
public:
	explicit Town(const TownOptions &options);
	~Town();
	Town(const Town &) = delete;
	Town &operator=(const Town &) = delete;

	bool prepare();
	void run(unsigned int ms);
	/* Closes, checks what is on the device, and opens. */
	bool reopen();
	void verify();
	void remove_everything();

private:
	struct tbk_volume *open(const char *volume, const char *snapshot);
	bool open_pool();
	bool close_pool();
	void check_device();
	bool is(int error, const char *what, const char *name);
	void write(u32 disk, u32 which);
	void take_snapshots(u32 which);
	void compare(const Disk &disk, const char *snapshot, const std::vector<u32> &least);
	void write_clone(const Disk &disk, const char *clone);
	void remove_volumes(u32 which);
	void look();
	void scrub();
	bool goes_on() const { return stop_.load_relaxed() == 0; }
	static void found(struct tbk_check *check, enum tbk_finding_class kind, const char *text);

	const TownOptions options_;
	ThreadDevice device_;
	struct tbk_pool *pool_ = nullptr;
	u64 empty_ = 0; /* free bytes of the new pool */
	std::vector<std::unique_ptr<Disk>> disks_;
	std::vector<std::unique_ptr<Writer>> writers_; /* of disk 0, of disk 1, ... */
	Atomic<u32> stop_;
	Atomic<u64> names_;
	Atomic<u64> steps_;
};

} // namespace thinback
