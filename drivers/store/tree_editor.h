/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "space.h"
#include "tree.h"

namespace thinback {

/* When a change happens: which checkpoint will hold it, and in which generation it is born. */
struct Moment {
	u64 epoch;
	u64 generation;
};

/*
 * Changes a tree, one leaf at a time:
 *
 *	TBK_TRY(editor.open(tree, key, moment));  the leaf for @key, ours to change
 *	editor.store(records, count);		  its new content
 *	editor.close();
 *
 * All that can fail (memory, space, reading nodes) happens in open(), which
 * leaves the tree's meaning as it was. Nodes that the last checkpoint or a
 * snapshot knows are copied to new blocks; what nobody else knows is freed.
 *
 * Not for two at a time; the caller holds the tree's lock from open() to close().
 */
class TreeEditor {
public:
	TreeEditor(NodeCache &cache, Space &space) : cache_(cache), space_(space) {}
	~TreeEditor();
	TreeEditor(const TreeEditor &) = delete;
	TreeEditor &operator=(const TreeEditor &) = delete;

	/* With @create, an empty tree gets a root; else not_found. */
	Status open(Tree &tree, u64 key, Moment moment, bool create);
	/* The last leaf that is this tree's alone; drops what is shared on the way. not_found when the tree is empty now. */
	Status open_last(Tree &tree, Moment moment);

	const Node &leaf() const { return *path_[0].node; }
	/* The leaf holds keys of [low, high). */
	u64 low() const { return low_; }
	u64 high() const { return high_; }

	/* @count records of the leaf's layout, at most twice its capacity less one. */
	void store(const u64 *records, u32 count);
	/* @count records in place of those from @from up to @to, and no more than fit; the others stay. */
	void splice(u32 from, u32 to, const u64 *records, u32 count);
	void close();

	/* An opened leaf holds @key, and may be changed once more without closing it: the path to it is what it was. */
	bool may_go_on(u64 key) const
	{
		return tree_ && is_path_whole_ && key >= low_ && key < high_;
	}

	/*
	 * Instead of failing, open() puts a leaf in the place of one that is damaged: its
	 * blocks below @end read as errors from now on, until they are written or discarded.
	 * What it had stays in use by nobody. For extents, and a replay, which cannot leave
	 * out a change and go on.
	 */
	void give_up_leaves(u64 end) { gives_up_below_ = end; }
	struct GivenUp {
		NodePointer leaf;
		u64 low = 0;
		u64 high = 0; /* 0: none */
		Err why = Err::ok;
	};
	/* The one that open() met last, once. */
	GivenUp take_given_up();
	bool gives_up(Err why) const { return gives_up_below_ != 0 && is_damage(why); }

	/* Gives back what is kept ready for the next change. */
	void relax();

	/* See Want; 0 at first, as for the catalog, without which there is no checkpoint. */
	void set_spare(u32 spare) { spare_ = spare; }

	Space &space() { return space_; }
	NodeCache &cache() { return cache_; }

private:
	static constexpr u32 stash_size = 2 * format::max_height + 3;

	struct Step {
		Node *node; /* pinned */
		u32 index;  /* of the entry that leads on down */
	};

	Status fill_stash(u32 wanted);
	Node &fresh_node(u32 level, u64 low, u64 high);
	Node &shadow(Node &sealed);
	void renew(Node &node);
	Status open_root(bool create);
	Status open_child(u32 level, u32 index);
	Result<Node *> child_to_change(u32 level, u32 index);
	u64 end_of_lost() const;
	bool gives_up(const NodePointer &leaf, Err why) const;
	Node &lost_leaf(const NodePointer &leaf, Err why);
	void retire(Node &node);
	void forget(Node &node);
	NodePointer pointer_to(const Node &node) const;
	u64 upper_bound_of(u32 level) const;

	static void write_records(Node &node, u32 at, const u64 *records, u32 count);
	void split_leaf(const u64 *records, u32 count);
	void insert_entry(u32 level, u32 index, u64 key, const Node &child);
	void split_branch(u32 level);
	void grow_root();
	void remove_leaf();
	void remove_entry(u32 level, u32 index);
	void collapse_root();
	void merge_next();

	NodeCache &cache_;
	Space &space_;
	Tree *tree_ = nullptr;
	Moment moment_{};
	Home home_;
	u64 last_block_ = 0; /* of a node, to keep them together */
	u32 spare_ = 0;
	Step path_[format::max_height + 1] = {};
	u64 low_ = 0;
	u64 high_ = 0;
	u64 gives_up_below_ = 0; /* 0: does not */
	GivenUp given_up_;
	bool is_path_whole_ = false; /* no node on it was split, merged or removed */

	Node *stash_[stash_size] = {}; /* prepared, each with a block taken */
	u32 stashed_ = 0;
	Node *retired_[3 * format::max_height + 4] = {}; /* pinned, to be freed by close() */
	u32 retired_count_ = 0;
};

} // namespace thinback
