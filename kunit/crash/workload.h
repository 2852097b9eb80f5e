/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "../../drivers/hosted/crash_device.h"
#include "../harness/shared/random.h"
#include "ledger.h"
#include "volume_reader.h"

namespace thinback::crash {

struct WorkloadOptions {
	u32 operations = 200;
	u64 most_blocks = 128;	     /* of a volume */
	bool detects_zeroes = false; /* volumes do, and zeros are written to them */
};

/*
 * Random requests by one fiber and structural changes by another, on a pool
 * that has what the ledger says; which is told of all that is done. To be used
 * inside hosted_run().
 */
class Workload {
public:
	Workload(CrashDevice &device, Ledger &ledger, u64 seed, const WorkloadOptions &options);
	~Workload();
	Workload(const Workload &) = delete;
	Workload &operator=(const Workload &) = delete;

	/* False when something went wrong that has nothing to do with power. */
	bool run();
	const std::string &why() const { return why_; }
	u32 refused() const { return refused_; } /* for want of space */

private:
	static constexpr u32 most_volumes = 4;
	static constexpr u32 most_snapshots = 5;
	static constexpr u32 most_slots = 12;
	static constexpr u64 most_sectors = 128;

	struct Live {
		Disk *disk;
		struct tbk_volume *handle; /* NULL for snapshots */
		bool is_leaving;
		u64 shrinks_to; /* sectors, while it is being cut off; else never */
	};
	struct Slot {
		struct tbk_request request {}; /* first: found from it */
		Workload *workload = nullptr;
		Live *live = nullptr; /* NULL: idle */
		u64 sector = 0;
		u64 count = 0;
		u32 change = 0;		 /* 0: none */
		std::vector<u32> covers; /* what a flush makes durable */
		bool may_fail = false;	 /* it may lie past the end by now */
		u64 done_at = never;
		std::vector<u8> buffer;
	};
	using Wish = std::function<bool()>;

	/* workload.cc */
	bool open_pool();
	void close_pool();
	bool open_handle(Live &live);
	void fail(const std::string &what, s64 number);
	u64 now() const { return device_.events(); }
	void wait_until(struct tbk_wait &wait, const Wish &holds);
	void sync();

	/* workload_io.cc: the one fiber. */
	void do_requests();
	void step();
	Live *pick_volume();
	Slot &idle_slot();
	void request(Live &live);
	void flush(Live &live);
	void flush_all();
	u32 choose_op(Slot &slot);
	void choose_range(Slot &slot);
	bool is_in_the_way(const Slot &slot) const;
	void note(Slot &slot, u32 op);
	void submit(Slot &slot, u32 op);
	static void done(struct tbk_request *request);
	bool is_any_done() const;
	void reap();
	void finish(Slot &slot);
	bool is_busy(const Live *live) const;

	/* workload_change.cc: the other. */
	void do_changes();
	void change();
	void pause();
	Live *pick(bool wants_snapshot);
	u32 count(bool snapshots) const;
	bool ended(int error, const std::string &what);
	Live *make(Disk &disk, int error);
	void create();
	void snapshot();
	void learn_snapshot(Disk &taken, const Disk &origin, const std::vector<size_t> &least);
	Disk &add_like(const Disk &origin, u64 sectors, const std::string &volume);
	void clone();
	void remove();
	void learn_id(Disk &disk);
	void leave(Live &live);
	void come_back(Live &live);

	/* workload_alter.cc: what changes those that there are. */
	void rename();
	void rollback();
	void learn_kept(Disk &kept);
	void resize();
	void shrink(Live &live, u64 sectors);
	void grow(Live &live, u64 sectors);
	int resize_to(const Disk &disk, u64 sectors, u32 flags);
	void limit();
	bool is_past_end(const Live &live) const;
	bool is_named(const std::string &volume) const;

	CrashDevice &device_;
	Ledger &ledger_;
	Random random_;
	Random change_random_;
	const WorkloadOptions options_;
	std::string why_;
	u32 refused_ = 0;
	struct tbk_pool *pool_ = nullptr;
	std::deque<Live> lives_; /* those that have gone stay, with is_leaving */
	Slot slots_[most_slots];
	u64 hot_ = 0;
	bool is_changing_ = false; /* the other fiber is there */
	VolumeReader reader_;
	struct tbk_wait requests_wait_ {};
	struct tbk_wait changes_wait_ {};
};

} // namespace thinback::crash
