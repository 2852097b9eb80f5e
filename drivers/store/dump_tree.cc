// SPDX-License-Identifier: GPL-2.0
/* The part of Dump that walks a tree. */
#include "dump.h"

namespace thinback {
namespace {

constexpr NodeLayout layout = layout_of(format::TreeKind::extents, 0);
constexpr u64 step_nodes = 256; /* between two calls of progress() */

constexpr u64 most(u64 a, u64 b)
{
	return a > b ? a : b;
}

} // namespace

void Dump::step()
{
	nodes_++;
	if (to_.progress && nodes_ % step_nodes == 0)
		to_.progress(&to_, nodes_ < total_ ? nodes_ : total_, total_);
}

Status Dump::tell_tree(const CheckedTree &tree)
{
	const NodePointer root = read_root(tree.record.root);

	tree_ = &tree;
	merged_ = tree.parent && tree.parent->passed ? tree.merged() : 0;
	to_.tree(&to_, static_cast<u32>(tree.id()));
	if (root.block != 0)
		TBK_TRY(visit(root, { 0, format::end_of_keys }));
	end_shared();
	return {};
}

/* Neighbouring ranges are told as one. */
void Dump::tell_shared(Range range)
{
	if (shared_.high == range.low && shared_.high > shared_.low) {
		shared_.high = range.high;
		return;
	}
	end_shared();
	shared_ = range;
}

void Dump::end_shared()
{
	if (shared_.high > shared_.low) {
		const struct tbk_dump_extent extent = { shared_.low, shared_.high - shared_.low,
							TBK_DUMP_SAME, 0, 0 };

		to_.extent(&to_, &extent);
	}
	shared_ = {};
}

void Dump::tell_lost(const NodePointer &pointer, Range range, Err err)
{
	const struct tbk_dump_extent extent = { range.low, range.high - range.low, TBK_DUMP_LOST, 0,
						0 };
	const u64 size = tree_->record.size.get();
	const u64 end = range.high < size ? range.high : most(size, range.low + 1);

	end_shared();
	to_.extent(&to_, &extent);
	TBK_LOST("%s: blocks %llu to %llu: tree node in block %llu: %s", TreeName(*tree_).text,
		 range.low, end - 1, pointer.block, to_text(err));
}

/*
 * What is below `passed` has become the child's, and its nodes may be gone. What
 * a child has of a parent that is being merged into it lies before `merged` in
 * other trees, too, and is told in full. As deep as the tree is high.
 */
Status Dump::visit(const NodePointer &pointer, Range range)
{
	const Range left = { most(range.low, tree_->passed), range.high };

	if (left.low >= left.high || to_.error)
		return {};
	if (pointer.birth <= tree_->since() && tree_->parent && range.low >= merged_) {
		tell_shared(left);
		return {};
	}
	auto read = cache().get(pointer, format::TreeKind::extents);

	step();
	if (!read.is_ok()) {
		if (read.error() == Err::no_memory)
			return read.error();
		tell_lost(pointer, left, read.error());
		return {};
	}
	const Pin node(cache(), read.value());

	if (node->header().low.get() < range.low || node->header().high.get() > range.high) {
		tell_lost(pointer, left, Err::bad_records);
		return {};
	}
	if (node->level() > 0)
		return visit_children(*node.get(), range);
	visit_extents(*node.get());
	return {};
}

Status Dump::visit_children(const Node &node, Range range)
{
	const NodeLayout branch = node.layout();
	u64 low = range.low;

	for (u32 i = 0; i < node.count(); i++) {
		const bool is_last = i + 1 == node.count();
		const u64 high = is_last ? range.high : node.key(branch, i + 1);

		TBK_TRY(visit(node.pointer(i), { low, high }));
		low = high;
	}
	return {};
}

void Dump::visit_extents(const Node &leaf)
{
	end_shared();
	for (u32 i = 0; i < leaf.count() && !to_.error; i++) {
		const u64 place = leaf.word(layout, i, 0);
		const u64 target = leaf.word(layout, i, 1);
		const u64 start = place >> 24;
		const u64 end = start + (place & format::max_extent);
		const u64 from = most(start, tree_->passed);
		struct tbk_dump_extent extent = { from, end - from, static_cast<u32>(target >> 48),
						  target & format::low_48,
						  leaf.word(layout, i, 2) };

		if (from >= end)
			continue;
		if (extent.state == TBK_DUMP_DATA)
			extent.target += from - start;
		to_.extent(&to_, &extent);
	}
}

} // namespace thinback
