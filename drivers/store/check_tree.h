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
	Status visit_children(const Node &node, Range range);
	Status visit_records(const Node &leaf);
	Status visit_extents(const Node &leaf);
	Status visit_extent(const format::Extent &extent);
	Status strike(const char *what, u64 start, u64 count);
	Status remember(const Node &node, u64 mapped_before);

	/* check_shared.cc */
	void visit_shared(const NodePointer &pointer, Range range);
	Result<NodePointer> find_in_parent(Place place);
	void visit_inherited(const format::Extent &extent);
	void compare_counts();

	void tell_node(const NodePointer &pointer, const char *what);
	void tell_broken();

	NodeReader &reader_;
	BlockLedger &ledger_;
	CheckReport &report_;
	SharedNodes shared_;
	u8 *images_ = nullptr; /* one for each level */
	bool whole_ = true;

	/* The tree at hand. */
	format::TreeKind kind_ = format::TreeKind::extents;
	CheckedTree *tree_ = nullptr;
	CheckedCatalog *catalog_ = nullptr;
	u64 since_ = 0;
	char name_[sizeof(TreeName::text)] = {};
};

} // namespace thinback
