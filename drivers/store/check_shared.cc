// SPDX-License-Identifier: GPL-2.0
/* The part of TreeWalk that compares a tree with its parent. */
#include "check_tree.h"

namespace thinback {
namespace {

constexpr NodeLayout layout = layout_of(format::TreeKind::extents, 0);

} // namespace

/* The parent's pointer to what holds @place.key on @place.level. not_found when there is none; io_error when it cannot be told. */
Result<NodePointer> TreeWalk::find_in_parent(Place place)
{
	NodePointer at = read_root(elder(place.key)->record.root);

	if (at.block == 0 || at.level < place.level)
		return Err::not_found;
	while (at.level > place.level) {
		u8 *image = ledger_.is_sound(at.block, 1) ? reader_.look(at) : nullptr;

		if (!image)
			return Err::io_error;
		const Node node(at.block, image);
		const u32 upto = node.records_up_to(node.layout(), node.count(), place.key);

		at = node.pointer(upto > 0 ? upto - 1 : 0);
	}
	return at;
}

/* From here on down the tree is its parent's. */
void TreeWalk::visit_shared(const NodePointer &pointer, Range range)
{
	if (!tree_ || !tree_->parent) {
		if (!tree_ || !tree_->broken)
			tell_node(pointer, "is older than its tree, which has no parent");
		tell_broken();
		return;
	}
	const SharedNode *shared = shared_.find(pointer.block);

	lost_seen_ += lost_ && lost_->find(pointer.block);
	if (!shared) {
		if (!tree_->parent->broken)
			tell_node(pointer, "is older than its tree, and of no snapshot");
		tell_broken();
		return;
	}
	if (!elder(shared->low)) {
		tell_node(pointer, "is older than its tree, and of a parent that is not there");
		tell_broken();
		return;
	}
	tree_->mapped += shared->mapped;
	if (shared->low < range.low || shared->high > range.high)
		tell_node(pointer, "covers more than its parent says");
	if (tree_->parent->broken)
		tree_->broken = true;
	auto theirs = find_in_parent({ shared->low, pointer.level });

	if (!theirs.is_ok() && theirs.error() == Err::io_error)
		return;
	/* The checksum, too: both were read as what they are said to be. */
	if (!theirs.is_ok() || theirs.value().block != pointer.block ||
	    theirs.value().mirror != pointer.mirror)
		tell_node(pointer, "is older than its tree, and its parent has another");
}

/* Each block of a part of it lies in the parent where it lies here. */
void TreeWalk::visit_inherited(const format::Extent &extent, Range part)
{
	const u64 end = part.high;
	const u64 offset = (extent.target.get() & format::low_48) - (extent.place.get() >> 24);
	u64 at = part.low;

	if (tree_->broken && !elder(at))
		return;
	while (at < end && elder(at)) {
		auto leaf = find_in_parent({ at, 0 });

		if (!leaf.is_ok() && leaf.error() == Err::not_found)
			break;
		u8 *image = leaf.is_ok() && ledger_.is_sound(leaf.value().block, 1)
				    ? reader_.look(leaf.value())
				    : nullptr;

		if (!image)
			return;
		const Node node(leaf.value().block, image);
		const u32 upto = node.records_up_to(layout, node.count(), at);

		if (upto == 0)
			break;
		const u64 place = node.word(layout, upto - 1, 0);
		const u64 target = node.word(layout, upto - 1, 1);
		const u64 their_end = (place >> 24) + (place & format::max_extent);

		if (at >= their_end || (target & format::low_48) - (place >> 24) != offset ||
		    target >> 48 != extent.target.get() >> 48 ||
		    node.word(layout, upto - 1, 2) != extent.birth.get())
			break;
		at = their_end;
	}
	if (at < end)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: its block %llu, in block %llu, is older than its tree, and its "
			    "parent has not got it there",
			    name_, at, offset + at);
}

void TreeWalk::compare_counts()
{
	const auto &record = tree_->record;

	if (tree_->is_own_wrong())
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "%s: has %llu blocks of its own and is said to have %llu", name_,
			    tree_->own, record.own.get());
	if (tree_->is_mapped_wrong())
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "%s: maps %llu blocks and is said to map %llu", name_, tree_->mapped,
			    record.mapped.get());
}

} // namespace thinback
