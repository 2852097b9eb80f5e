/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "queue.h"

namespace thinback {

/* The rings of a disk, from the first that is opened until all are closed. */
class Queues {
public:
	Queues() = default;
	~Queues() { clear(); }
	Queues(const Queues &) = delete;
	Queues &operator=(const Queues &) = delete;

	bool is_any() const { return !list_.is_empty(); }
	/* Rings have no order among each other: with one alone a barrier means something. */
	bool is_single() const { return is_any() && !list_.next(*list_.first()); }
	u32 count() const;
	/* Whether ring @index is there, and of these keys. */
	bool is_of(u32 index, const RingKeys &keys) const;
	bool is_taking() const;
	bool is_busy() const;

	/* One more, which takes no requests yet. @plan's failure is filled in here. */
	Status open(QueuePlan &plan);
	/* Begin to take requests. Some may have, even if this fails: stop(). */
	Status start();
	void stop();
	/* Have all that take requests look again at what they wait for. */
	void wake();
	/* Stopped or never started, and not busy. */
	void clear();

	/* Negative errno if a flush failed; the disk is of no more use then. */
	int failure() const { return failure_.load_relaxed(); }

private:
	using List = thinback::List<Queue, &Queue::link>;

	List list_;
	Atomic<int> failure_;
};

} // namespace thinback
