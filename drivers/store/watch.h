/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/entry.h>

#include "volume.h"

namespace thinback {

class Pool;

/* How much is left, from best to worst; tbk_pool_level's numbers. */
enum class Level : u8 { ok, low, critical, full };

/* Of the pool, in thousandths of its size: below it is low, or critical. */
struct Marks {
	u32 low = 200;
	u32 critical = 50;
};

struct Left {
	u64 free = 0; /* what is on its way back included */
	u64 size = 0;
	bool none = false; /* not a block for data */
};

/* A level that was left for a worse one is only gone back to with some room to spare. */
Level next_level(Level now, const Left &left, const Marks &marks);

/*
 * Looks at what is left of the pool after each checkpoint and when a write
 * found nothing: tells who listens, and those who wait for space.
 */
class Watch {
public:
	explicit Watch(Pool &pool);
	Watch(const Watch &) = delete;
	Watch &operator=(const Watch &) = delete;

	/* What the pool is at, told to nobody. */
	void start();
	/* Nothing is told any more. Sleeps. */
	void stop();
	/* Once; @listener outlives the pool. */
	void listen(const struct tbk_pool_listener &listener)
	{
		listener_.store_release(&listener);
	}

	/* There may be blocks that there were not. Context: any. */
	void space_came();
	/* A write found none, or no more within its volume's quota. Context: process. */
	void refused(Volume &volume, Err err);
	/* What is left, or what counts as little, has changed. Context: any. */
	void look();

	Level level() const { return static_cast<Level>(level_.load_relaxed()); }
	Marks marks() const;
	/* 0 for the default. */
	void set_marks(u32 low, u32 critical);

private:
	static void run(struct tbk_work *work);
	Left left() const;
	void wake();
	void tell_quotas();
	void tell_level();

	Pool &pool_;
	struct tbk_work work_ {};
	Atomic<u8> stopping_;
	Atomic<u8> came_;
	Atomic<u8> reached_; /* a volume's quota, to be told */
	Atomic<u8> level_;
	Atomic<u32> low_;
	Atomic<u32> critical_;

	Atomic<const struct tbk_pool_listener *> listener_;
};

} // namespace thinback
