// SPDX-License-Identifier: GPL-2.0
/* The part of a Dropper that makes nodes: of a tree, without what was lost. */
#include "drop.h"
#include "sync_io.h"

namespace thinback {

Result<NodePointer> Dropper::rewrite_root(const NodePointer &root)
{
	Successor now = TBK_TRY(rewrite(root, { 0, format::end_of_keys }));

	if (now.count == 0)
		return root;
	if (now.count == 1)
		return now.pieces[0];
	if (now.root.block == 0) {
		now.root = TBK_TRY(write_root_above(now));
		TBK_TRY(successors_.add(now));
	}
	return now.root;
}

Result<Dropper::Successor> Dropper::rewrite(const NodePointer &pointer, Range range)
{
	const LostNode *node = survey_.lost.find(pointer.block);
	const Successor *known = successors_.find(pointer.block);
	Successor now;

	if (known)
		return *known;
	now.block = pointer.block;
	if (!node || (!node->is_path && !may_go(*node)))
		return now;
	if (node->is_path)
		TBK_TRY(rewrite_path(pointer, range, now));
	else
		TBK_TRY(replace_lost(pointer, range, now));
	TBK_TRY(successors_.add(now));
	return now;
}

/* A copy with the successors of its children. */
Status Dropper::rewrite_path(const NodePointer &pointer, Range range, Successor &now)
{
	u8 *image = images_ + 2 * pointer.level * format::block_size;

	TBK_TRY(reader_->read(pointer, format::TreeKind::extents, image));
	const Node from(pointer.block, image);
	Node to = begin_node(image + format::block_size, pointer.level, pointer.birth,
			     { from.header().low.get(), from.header().high.get() });

	for (u32 i = 0; i < from.count(); i++) {
		const u64 key = from.key(from.layout(), i);
		const u64 next = i + 1 < from.count() ? from.key(from.layout(), i + 1) : range.high;

		TBK_TRY(add_successors(from.pointer(i), { key, next }, to));
	}
	now.count = 1;
	now.keys[0] = from.header().low.get();
	now.pieces[0] = TBK_TRY(write_node(to));
	return {};
}

Status Dropper::add_successors(const NodePointer &child, Range range, Node &to)
{
	const Successor now = TBK_TRY(rewrite(child, range));
	const u32 at = to.count();

	if (at + max(now.count, 1u) > format::branch_capacity)
		return Err::unsupported;
	if (now.count == 0) {
		to.set_pointer(at, range.low, child, false);
		to.set_count(at + 1);
		return {};
	}
	for (u32 i = 0; i < now.count; i++)
		to.set_pointer(at + i, i == 0 ? range.low : now.keys[i], now.pieces[i], false);
	to.set_count(at + now.count);
	return {};
}

Status Dropper::replace_lost(const NodePointer &pointer, Range range, Successor &now)
{
	TBK_TRY(remember(*tree_, range));
	return pointer.level == 0 ? write_leaves(pointer, range, now)
				  : write_chain(pointer, range, now);
}

Status Dropper::write_leaves(const NodePointer &pointer, Range range, Successor &now)
{
	const CheckedTree &owner = *survey_.catalog.find(survey_.lost.find(pointer.block)->owner);

	TBK_TRY(lost_range_->fill(owner, range.low, range.high, pointer.birth));
	for (u32 i = 0; i < lost_range_->count();) {
		const u32 left = lost_range_->count() - i;
		const u32 count = left < format::extent_capacity ? left : format::extent_capacity;
		const bool is_last = count == left;
		const u64 low = i == 0 ? range.low : lost_range_->extent(i).place.get() >> 24;
		const u64 high =
			is_last ? range.high : lost_range_->extent(i + count).place.get() >> 24;
		Node leaf =
			begin_node(images_ + format::block_size, 0, pointer.birth, { low, high });

		if (now.count == most_pieces)
			return Err::unsupported;
		__builtin_memcpy(leaf.image() + sizeof(format::BlockHeader),
				 &lost_range_->extent(i), count * sizeof(format::Extent));
		leaf.set_count(count);
		now.keys[now.count] = low;
		now.pieces[now.count++] = TBK_TRY(write_node(leaf));
		i += count;
	}
	return {};
}

/* As high as the branch that is lost, with nothing but a lost leaf, or some, at its foot. */
Status Dropper::write_chain(const NodePointer &pointer, Range range, Successor &now)
{
	TBK_TRY(write_leaves(pointer, range, now));
	for (u32 level = 1; level <= pointer.level; level++) {
		Node branch = begin_node(images_ + (2 * level + 1) * format::block_size, level,
					 pointer.birth, range);

		for (u32 i = 0; i < now.count; i++)
			branch.set_pointer(i, now.keys[i], now.pieces[i], false);
		branch.set_count(now.count);
		now.pieces[0] = TBK_TRY(write_node(branch));
		now.keys[0] = range.low;
		now.count = 1;
	}
	return {};
}

Result<NodePointer> Dropper::write_root_above(const Successor &now)
{
	const NodePointer &first = now.pieces[0];

	if (first.level + 1 >= format::max_height)
		return Err::unsupported;
	Node root = begin_node(images_ + 2 * format::max_height * format::block_size,
			       first.level + 1, first.birth, { 0, format::end_of_keys });

	for (u32 i = 0; i < now.count; i++)
		root.set_pointer(i, now.keys[i], now.pieces[i], false);
	root.set_count(now.count);
	return write_node(root);
}

Node Dropper::begin_node(u8 *image, u32 level, u64 birth, Range range)
{
	auto &header = *reinterpret_cast<format::BlockHeader *>(image);

	__builtin_memset(image, 0, format::block_size);
	header.magic.set(format::node_magic);
	header.pool.set(pool_id_);
	header.checkpoint.set(epoch_);
	header.birth.set(birth);
	header.owner.set(static_cast<u32>(tree_->id()));
	header.level = static_cast<u8>(level);
	header.kind = static_cast<u8>(format::TreeKind::extents);
	header.low.set(range.low);
	header.high.set(range.high);
	return Node(0, image);
}

/* To a block of its own. Nothing leads there before the checkpoint. */
Result<NodePointer> Dropper::write_node(Node &node)
{
	Want want;

	want.metadata = true;
	want.goal = last_block_ ? last_block_ + 1 : 0;
	const Run run = TBK_TRY(pool_->space().take(home_, want));

	last_block_ = run.start;
	node.header().self.set(run.start);
	seal_block(node.image());
	pool_->space().use(epoch_, run);
	TBK_TRY(write_blocks(device_, PhysicalBlock(run.start), node.image(), BlockCount(1), 0));
	return NodePointer{ run.start, node.birth(), node.header().checksum.get(), node.level() };
}

} // namespace thinback
