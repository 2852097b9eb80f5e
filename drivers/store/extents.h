/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "tree_editor.h"

namespace thinback {

/* What a virtual block maps to, and for how many blocks the answer holds. */
struct Mapping {
	enum class Kind { hole, data, zero, lost };

	Kind kind = Kind::hole;
	bool own = false;     /* data: nobody else can see it */
	PhysicalBlock target; /* data */
	BlockCount run;
	u64 goal = 0; /* unless own: the block that would continue a neighbour's run, 0 unknown */
};

/*
 * Looks up @block, at most @most blocks of it, without a lock. would_block
 * when a node is not in memory or a writer keeps getting in the way.
 */
Result<Mapping> find_extent(const Tree &tree, const NodeCache &cache, VirtualBlock block,
			    BlockCount most);
/* The same for a holder of the tree's lock: reads what is missing. */
Result<Mapping> find_extent_locked(const Tree &tree, NodeCache &cache, VirtualBlock block,
				   BlockCount most);

/* Blocks of data that a tree maps: in all, and those born after `since`. */
struct Usage {
	u64 mapped = 0;
	u64 own = 0;
	u64 gone = 0; /* while the parent is merged into it: of the parent's own, free already */
};

/*
 * Changes a volume's extents, a leaf at a time. Owned by whoever may change
 * the tree; the caller holds its lock.
 */
class ExtentEditor {
public:
	/* For set_spare(): of changes, for the catalog; of what guests drop, for who makes room as well. */
	static constexpr u32 spare_of_changes = 1;
	static constexpr u32 spare_of_drops = 2;

	ExtentEditor(NodeCache &cache, Space &space) : editor_(cache, space) {}

	/*
	 * From @start, taken from Space and written: in use from now on. What was
	 * there is freed. On failure what is not mapped has been given back.
	 */
	Status map(Tree &tree, Usage &usage, VirtualBlock start, Run run, Moment moment);
	/* Reads as zeros afterwards. */
	Status unmap(Tree &tree, Usage &usage, VirtualBlock start, BlockCount count, Moment moment);
	/* One leaf's worth of a tree that nobody reads any more; not_found when all is gone. */
	Status free_last(Tree &tree, Usage &usage, Moment moment);

	/*
	 * Around changes of one tree, near one another, all of one moment and
	 * under one hold of its lock: a leaf stays open for as long as the next one is in it.
	 */
	void stay() { stays_ = true; }
	void leave();

	/* As of TreeEditor. */
	void give_up_leaves(u64 end) { editor_.give_up_leaves(end); }
	TreeEditor::GivenUp take_given_up() { return editor_.take_given_up(); }

	void relax() { editor_.relax(); }
	/* What is kept back for nodes is left in part to those without which all stands still. */
	void set_spare(u32 spare) { editor_.set_spare(spare); }

private:
	static constexpr u32 most_records = format::extent_capacity + 2;

	struct Change {
		u64 start;
		u64 end;
		u64 target; /* 0: unmap */
	};

	/* Records of a leaf: from the first up to the last. */
	struct Window {
		u32 from;
		u32 to;
	};

	/* Part of an extent that goes. */
	struct Old {
		u64 start;
		u64 count;
		u64 target; /* as recorded, of its first block */
		u64 birth;
	};

	Result<u64> hole_at(const Tree &tree, u64 at, u64 most);
	Status open(Tree &tree, u64 at, Moment moment);
	Status change(Tree &tree, Usage &usage, const Change &wanted, Moment moment);
	Window window(const Change &part) const;
	void replace(Tree &tree, Usage &usage, const Change &part, Moment moment);
	void rewrite(Tree &tree, Usage &usage, const Change &part, const Window &window,
		     Moment moment);
	void push(u64 start, u64 count, u64 target, u64 birth);
	void remove(const Tree &tree, const Old &old, Usage &usage);
	void free_removed(u64 epoch);

	TreeEditor editor_;
	bool stays_ = false;
	u64 since_ = 0;
	u32 count_ = 0;
	u32 freed_count_ = 0;
	u64 records_[most_records * 3] = {};
	Run freed_[most_records] = {};
};

} // namespace thinback
