/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "check_catalog.h"
#include "check_nodes.h"
#include "check_space.h"

namespace thinback {

/*
 * Walks trees: of each what is its own, so that every node is read as a part
 * of one tree. Where it begins to share, the very same must lie there in its
 * parent. Parents come before their children.
 *
 * While a parent is merged into its child, each block is its own or its
 * child's, according to which side of merged() it is on; below that, what the
 * child shares must lie in its parent's parent.
 */
class TreeWalk {
public:
	static Result<Owned<TreeWalk>> create(NodeReader &reader, BlockLedger &ledger,
					      CheckReport &report);
	~TreeWalk();
	TreeWalk(const TreeWalk &) = delete;
	TreeWalk &operator=(const TreeWalk &) = delete;

	/* The catalog's tree, whose records go to @catalog. */
	Status read_catalog(const format::Superblock &super, CheckedCatalog &catalog);
	/* @newest: generation of the pool. */
	Status check(CheckedTree &tree, u64 newest);

	/* Nodes that cannot be read are noted there. */
	void note_lost_in(LostNodes &lost) { lost_ = &lost; }

	/* Copies of nodes that are damaged, while the other is not. Empty if two things claim one block. */
	const BadCopies &bad_copies() const { return has_twice_ ? none_ : bad_copies_; }
	/* All that was looked at could be read. */
	bool is_whole() const { return whole_; }

private:
	struct Range {
		u64 low;
		u64 high;
	};
	/* What is looked up in a parent. */
	struct Place {
		u64 key;
		u32 level;
	};

	TreeWalk(NodeReader &reader, BlockLedger &ledger, CheckReport &report)
		: reader_(reader), ledger_(ledger), report_(report)
	{
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	Status start(const NodePointer &root, u64 newest);
	Status visit(const NodePointer &pointer, Range range);
	Status strike_copy(const NodePointer &pointer);
	Result<bool> read(const NodePointer &pointer, u8 *image);
	Status note_bad(const NodePointer &pointer, Copy copy, Err why);
	Status visit_children(const Node &node, Range range);
	Status visit_records(const Node &leaf);
	Status visit_extents(const Node &leaf);
	Status visit_extent(const format::Extent &extent);
	Status visit_data(const format::Extent &extent);
	enum class Struck { data, node, copy };
	Status strike(Struck what, u64 start, u64 count);
	Status remember(const Node &node, u64 mapped_before);
	Status note_lost(const NodePointer &pointer, bool is_path);

	/* check_shared.cc */
	void visit_shared(const NodePointer &pointer, Range range);
	Result<NodePointer> find_in_parent(Place place);
	void visit_inherited(const format::Extent &extent, Range part);
	void compare_counts();

	/* check_merge.cc */
	void begin_merge();
	bool is_taken_over(const NodePointer &pointer) const;
	void verify_taken_over(const NodePointer &pointer, const Node &node);
	CheckedTree *elder(u64 key) const;
	void compare_merge();

	void tell_node(const NodePointer &pointer, const char *what);
	void tell_broken();

	NodeReader &reader_;
	BlockLedger &ledger_;
	CheckReport &report_;
	SharedNodes shared_;
	LostNodes *lost_ = nullptr;
	u64 lost_seen_ = 0;    /* how often one was come to */
	u8 *images_ = nullptr; /* one for each level */
	bool whole_ = true;
	bool has_twice_ = false;
	BadCopies bad_copies_;
	BadCopies none_;

	/* The tree at hand. */
	format::TreeKind kind_ = format::TreeKind::extents;
	CheckedTree *tree_ = nullptr;
	CheckedCatalog *catalog_ = nullptr;
	u64 since_ = 0;
	u64 passed_ = 0;    /* below this it is its child's */
	u64 merged_ = 0;    /* below this its parent is merged into it: */
	u64 floor_ = 0;	    /* what is newer than this is its own */
	u64 inherited_ = 0; /* blocks of data that have become its own so */
	char name_[sizeof(TreeName::text)] = {};
};

} // namespace thinback
