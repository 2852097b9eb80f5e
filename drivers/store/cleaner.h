/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "checkpointer.h"
#include "merger.h"
#include "pace.h"

namespace thinback {

class Pool;

/*
 * Frees, a leaf at a time and in the background, what belonged to removed
 * volumes and snapshots alone. One without children goes from its end: what is
 * left of the tree is the state. A hidden snapshot with one child is merged
 * into that: how far is the child's to know. After a crash it goes on from the
 * last checkpoint.
 *
 * A merge that has begun is ended before anything else is done to either, and
 * there is one at a time: a child that is removed meanwhile waits, and so does
 * the merge of what is above or below. One that comes upon a node that cannot
 * be read is set aside until the pool is opened again; others go on.
 */
class Cleaner {
public:
	explicit Cleaner(Pool &pool);
	Cleaner(const Cleaner &) = delete;
	Cleaner &operator=(const Cleaner &) = delete;

	Status init();
	/* There may be something to do. Context: any. */
	void kick();
	/* Until all that can be freed is in the hands of a checkpoint. Sleeps. */
	void wait_idle();
	/* Nothing new is removed any more. Sleeps. */
	void stop();
	bool is_busy() const { return busy_.load_relaxed() != 0; }
	/* In leaves a second; no bound where space is wanted. */
	Pace &pace() { return pace_; }

private:
	static constexpr u32 leaves_at_once = 64;

	static void run(struct tbk_work *work);
	static int is_idle(void *self);
	/* @into: the child to merge it into, or NULL: to be freed as it is. */
	struct Task {
		Volume *from = nullptr;
		Volume *into = nullptr;
	};

	bool may_go_on() const;
	u32 owed_ms() const;
	bool rest();
	Task pick();
	void clean(Volume &volume);
	Status free_leaves(Volume &volume, u64 &gone);
	bool free_some(Volume &volume);
	void finish(Volume &volume);

	/* cleaner_merge.cc */
	void merge(const Task &task);
	Result<bool> merge_some(const Task &task);
	void finish_merge(const Task &task);
	Status wait_hidden(const Volume &from);

	Pool &pool_;
	Owned<ExtentEditor> editor_; /* used by the work alone */
	Owned<Merger> merger_;	     /* the same */
	Pace pace_;
	bool is_short_ =
		false; /* not a leaf could go for want of a block or memory; the work's alone */
	Atomic<u32> busy_;
	Atomic<u32> stopping_;
	struct tbk_wait idle_ {};
	struct tbk_work work_ {};
};

} // namespace thinback
