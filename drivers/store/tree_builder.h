/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "tree_editor.h"

namespace thinback {

/*
 * Makes a tree what it is told to be, from the front to the back. It begins as
 * its parent, and shares with it what is left alone. Counts nothing, and frees
 * nothing but nodes of the tree's own.
 */
class TreeBuilder {
public:
	static constexpr u32 most_records = 150; /* of one call */

	TreeBuilder(NodeCache &cache, Space &space) : editor_(cache, space) {}

	struct Range {
		u64 low;
		u64 high;
	};

	/*
	 * All there is in @range from now on is @records, @count extents of three
	 * words each, in order. Changes @records. Caller holds the tree's lock.
	 */
	Status replace(Tree &tree, Range range, u64 *records, u32 count, Moment moment);

	void relax() { editor_.relax(); }

private:
	void keep(u32 index, Range part);
	u32 put(u64 *records, u32 count, u64 end);
	void push(const u64 *record, u64 start, u64 end);

	static constexpr u32 room = format::extent_capacity + 1 + most_records;
	static_assert(room < 2 * format::extent_capacity);

	TreeEditor editor_;
	u32 count_ = 0;
	u64 records_[room * 3] = {};
};

} // namespace thinback
