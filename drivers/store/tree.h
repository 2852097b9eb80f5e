/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "node_cache.h"
#include "space.h"

namespace thinback {

/*
 * Where one B+tree of nodes starts. Changed by TreeEditor under the lock of
 * the volume (or catalog) that the tree belongs to; read by lookups under
 * `seq` alone.
 */
class Tree {
public:
	Tree(format::TreeKind what, u32 id) : kind(what), owner(id) {}

	const format::TreeKind kind;
	const u32 owner; /* id, written into nodes as a hint */

	SeqCount seq;

	/* What was born later belongs to this tree alone: may be changed in place, freed at once. */
	u64 since() const { return since_.load_relaxed(); }
	void set_since(u64 generation) { since_.store_relaxed(generation); }

	/*
	 * For holders of the lock. While the parent, which nobody sees any more, is
	 * merged into this tree: below merged() what was born after floor() is this
	 * tree's alone as well. Lookups without the lock need not know.
	 */
	u64 floor() const { return floor_; }
	u64 merged() const { return merged_; }
	void set_merged(u64 floor, u64 merged)
	{
		floor_ = floor;
		merged_ = merged;
	}
	/* How many of the @count keys from @start on, where something born at @birth is. */
	u64 owned(u64 birth, u64 start, u64 count) const
	{
		if (birth > since())
			return count;
		if (birth <= floor_ || start >= merged_)
			return 0;
		return count < merged_ - start ? count : merged_ - start;
	}

	bool is_empty() const { return root_block_.load_relaxed() == 0; }
	u64 root_block() const { return root_block_.load_relaxed(); }
	u32 root_level() const { return root_level_.load_relaxed(); }

	/* For holders of the lock. While pending, the root is unsealed and its checksum unknown. */
	NodePointer root() const
	{
		return { root_block(), root_birth_, root_checksum_, root_level(), root_mirror_ };
	}
	bool is_root_pending() const { return root_pending_; }
	void set_root(const NodePointer &to, bool pending)
	{
		root_block_.store_relaxed(to.block);
		root_level_.store_relaxed(to.level);
		root_birth_ = to.birth;
		root_checksum_ = to.checksum;
		root_mirror_ = to.mirror;
		root_pending_ = pending;
	}

private:
	Atomic<u64> root_block_;
	Atomic<u32> root_level_;
	Atomic<u64> since_;
	u64 floor_ = 0;
	u64 merged_ = 0; /* 0: no merge */
	u64 root_birth_ = 0;
	u64 root_mirror_ = 0;
	u32 root_checksum_ = 0;
	bool root_pending_ = false;
};

/* Nodes that a checkpoint has to write. Each is pinned by the list. */
class WriteList {
public:
	void add(NodeCache &cache, Node &node) TBK_EXCLUDES(lock_);
	/* The caller unpins it when it is on disk. NULL when empty. */
	Node *take() TBK_EXCLUDES(lock_);

private:
	SpinLock lock_{ TBK_RANK_DIRTY };
	List<Node, &Node::to_write> nodes_ TBK_GUARDED_BY(lock_);
};

/*
 * Makes all of the tree's nodes final as of checkpoint @epoch and queues them
 * for writing. Caller holds the tree's lock. Never fails: all it needs is in memory,
 * and where there is no space for a second copy there will be none.
 */
void seal_tree(Tree &tree, NodeCache &cache, u64 epoch, Space &space, WriteList &list);

} // namespace thinback
