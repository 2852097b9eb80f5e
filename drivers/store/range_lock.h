/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/list.h>
#include <thinback/base/lock.h>

namespace thinback {

/* Virtual blocks that a write in flight is about to map. Part of the write's own memory. */
struct Range {
	ListLink link;
	u64 start = 0;
	u32 count = 0;
};

/* A request that found a range taken. */
struct RangeWaiter {
	ListLink link;
	u64 start = 0;
};

/*
 * Puts in order writes to the same unmapped blocks of one volume. Ranges do
 * not cross multiples of `unit` blocks.
 */
class RangeLock {
public:
	static constexpr u64 unit = 256; /* blocks: 1 MiB */
	using Waiters = List<RangeWaiter, &RangeWaiter::link>;

	/* False: @waiter is queued, and belongs to whoever unlocks. */
	bool lock(Range &range, RangeWaiter &waiter) TBK_EXCLUDES(lock_)
	{
		Bucket &bucket = bucket_of(range.start);
		IrqGuard guard(lock_);

		for (Range *held = bucket.held.first(); held; held = bucket.held.next(*held)) {
			if (range.start >= held->start + held->count ||
			    held->start >= range.start + range.count)
				continue;
			waiter.start = range.start;
			bucket.waiting.push_back(waiter);
			return false;
		}
		bucket.held.push_back(range);
		return true;
	}

	/* The rest of it is not needed after all. */
	void shrink(Range &range, u32 count) TBK_EXCLUDES(lock_)
	{
		IrqGuard guard(lock_);

		TBK_ASSERT(count <= range.count);
		range.count = count;
	}

	/* Moves to @ready those that should try again. */
	void unlock(Range &range, Waiters &ready) TBK_EXCLUDES(lock_)
	{
		Bucket &bucket = bucket_of(range.start);
		IrqGuard guard(lock_);

		bucket.held.remove(range);
		ready.splice_all(bucket.waiting);
	}

private:
	static constexpr u32 buckets = 32;

	struct Bucket {
		List<Range, &Range::link> held;
		Waiters waiting;
	};

	Bucket &bucket_of(u64 start) { return buckets_[start / unit % buckets]; }

	IrqLock lock_{ TBK_RANK_RANGE };
	Bucket buckets_[buckets]; /* guarded by lock_ */
};

} // namespace thinback
