/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of scrubs: a pool in use, and ways to spoil what lies on its device. */
#pragma once

#include <random>

#include "../../drivers/store/handle.h"
#include "../harness/check.h"
#include "fleet.h"

namespace thinback {

/* What a scrub has come to. */
struct Outcome {
	enum tbk_scrub_state state;
	u64 found;
	u64 healed;

	friend bool operator==(const Outcome &, const Outcome &) = default;
};

inline constexpr Outcome sound = { TBK_SCRUB_DONE, 0, 0 };
inline constexpr Outcome one_healed = { TBK_SCRUB_DONE, 1, 1 };
inline constexpr Outcome one_lost = { TBK_SCRUB_DONE, 1, 0 };

struct ScrubTownOptions {
	u32 volumes = 1;
	u32 extents = 1500; /* in all */
	u64 bytes = 256ull << 20;
	u32 logical_block = 512;

	MemoryDevice::Options device() const;
};

/* Volumes with trees of several levels. */
class ScrubTown {
public:
	explicit ScrubTown(const ScrubTownOptions &options);

	bool is_ok() const { return fleet.is_ok() && root(1).level > 0 && root(1).mirror; }
	void settle() { (void)tbk_pool_settle(fleet.pool); }
	Space &space() const { return fleet.pool->pool->space(); }
	/* Closed, and opened again without a request to it: no bitmaps are in memory. */
	bool reopen();

	NodePointer root(u32 id) const;
	NodePointer leaf(u32 id, u32 index) const;
	/* What the newest superblock leads to. */
	format::Superblock super() const;
	u64 summary_block(u64 index = 0) const;
	u64 bitmap_block(u64 group, u32 i) const;

	void flip(u64 block);
	std::string block(u64 at) const;
	/* Its checksum is right. */
	void put(u64 at, std::string bytes);

	Outcome scrub() const;
	Outcome outcome() const;
	int tune(u32 what, u64 rate) const;

	/*
	 * Anything that guests and administrators do to all but the last volume, some
	 * of it at one place; and a checkpoint now and then.
	 */
	void live(std::mt19937_64 &random, u32 steps);

	/* Whether a check of the device, once the pool is let go, has nothing to say. */
	bool is_sound();

	Fleet fleet;

private:
	void shape(std::mt19937_64 &random);
	bool let_go();

	u32 count_;
	u64 place_ = 0;
};

} // namespace thinback
