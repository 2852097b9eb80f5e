/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "extents.h"

namespace thinback {

/*
 * Merges a snapshot that nobody sees any more into its only child, from the
 * front to the back, a step at a time. What the snapshot alone had, and the
 * child does not reach, is freed; all else is the child's, once it is below
 * Tree::merged().
 *
 * The snapshot's tree stays as it is; how far its blocks are freed is told by
 * the child's merged() alone. So a step changes the child and the bitmaps, and
 * belongs to an epoch as any change of the child does.
 *
 * A node of the snapshot that the child reaches is passed as a whole. One that
 * it does not reach it will never reach again: it is walked through, and freed
 * when its end is passed. So no node that both have ever lies across merged(),
 * and a node's own header tells on which side it is.
 */
class Merger {
public:
	Merger(NodeCache &cache, Space &space) : cache_(cache), space_(space) {}
	~Merger();
	Merger(const Merger &) = delete;
	Merger &operator=(const Merger &) = delete;

	/*
	 * At most a leaf of @from, whose tree nobody changes. Caller holds the lock of
	 * @into, the child, and has set its floor to since of @from. All is merged
	 * when merged() is end_of_keys. On failure nothing has changed.
	 */
	Status step(const Tree &from, Tree &into, Usage &usage, Moment moment);

private:
	static constexpr u32 most_runs = 256;
	static constexpr u32 most_lookups = 512;

	struct Step {
		Node *node; /* pinned: of `from` alone */
		u64 high;   /* where its range ends */
	};

	Status descend(const Tree &from, const Tree &into);
	Result<bool> reaches(const Tree &tree, const Node &node);
	Status compare(const Tree &from, const Tree &into);
	Result<u64> compare_run(const Tree &into, u64 at, Run run);
	bool is_full() const { return run_count_ == most_runs || lookups_ == most_lookups; }
	void push(u64 start, u32 count);
	void free_runs(Usage &usage, u64 epoch);
	void free_passed(u64 epoch);
	void release();

	NodeCache &cache_;
	Space &space_;
	Step path_[format::max_height] = {};
	u32 depth_ = 0;
	u64 next_ = 0; /* what merged() will be */
	u32 lookups_ = 0;
	u32 run_count_ = 0;
	Run runs_[most_runs] = {}; /* to be freed */
};

} // namespace thinback
