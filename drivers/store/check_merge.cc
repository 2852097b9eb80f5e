// SPDX-License-Identifier: GPL-2.0
/* The part of TreeWalk that knows of a parent that is being merged into its child. */
#include "check_tree.h"

namespace thinback {

void TreeWalk::begin_merge()
{
	const bool is_merging = tree_ && tree_->parent && tree_->parent->passed != 0;

	passed_ = tree_ ? tree_->passed : 0;
	merged_ = is_merging ? tree_->merged() : 0;
	floor_ = is_merging ? tree_->parent->since() : 0;
	inherited_ = 0;
}

/* It was the parent's, and the parent, which was walked before, has not got it any more. */
bool TreeWalk::is_taken_over(const NodePointer &pointer) const
{
	return merged_ != 0 && pointer.birth > floor_ && !shared_.find(pointer.block);
}

void TreeWalk::verify_taken_over(const NodePointer &pointer, const Node &node)
{
	if (pointer.birth <= since_ && node.header().high.get() > merged_ && !tree_->parent->broken)
		tell_node(pointer, "is older than its tree, and of no snapshot");
}

/* Who has what the tree at hand shares at @key. */
CheckedTree *TreeWalk::elder(u64 key) const
{
	CheckedTree *parent = tree_->parent;

	return key < merged_ ? parent->parent : parent;
}

/* What the parent had alone is its own still, or the child's, or free. */
void TreeWalk::compare_merge()
{
	const CheckedTree *parent = tree_->parent;

	if (merged_ == 0 || tree_->broken || parent->broken)
		return;
	const u64 found = parent->own + inherited_ + tree_->gone();

	if (found != parent->record.own.get())
		TBK_FINDING(
			report_, TBK_FINDING_DAMAGED,
			"%s: %llu blocks of its parent are accounted for, which is said to have %llu",
			name_, found, parent->record.own.get());
}

} // namespace thinback
