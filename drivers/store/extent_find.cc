// SPDX-License-Identifier: GPL-2.0
#include "extents.h"

namespace thinback {
namespace {

constexpr NodeLayout layout = layout_of(format::TreeKind::extents, 0);
constexpr u64 slot_mask = ~static_cast<u64>(Group::slot_blocks - 1);

struct Record {
	u64 start;
	u64 end;
	u64 target;
	bool data;
	bool own;
	bool lost;
};

Record read_record(const Node &leaf, u32 index, u64 since)
{
	const u64 place = leaf.word(layout, index, 0);
	const u64 target = leaf.word(layout, index, 1);
	const u64 start = place >> 24;
	const u64 state = target >> 48;

	return { start,
		 start + (place & format::max_extent),
		 target & format::low_48,
		 state == static_cast<u64>(format::ExtentState::data),
		 (leaf.word(layout, index, 2) & format::low_48) > since,
		 state == static_cast<u64>(format::ExtentState::lost) };
}

/*
 * Where a block would lie if it continued what is already there of its 64 KiB
 * neighbourhood, or of the run that ends where it starts. This is all there is
 * to a reservation: the blocks in between are left alone by others for as long
 * as there are whole neighbourhoods free.
 */
u64 goal_of(u64 block, const Record *before, const Record *after)
{
	if (before && before->own && before->data &&
	    (before->end == block ||
	     (before->end - 1) / Group::slot_blocks == block / Group::slot_blocks))
		return before->target + (block - before->start);
	if (after && after->own && after->data &&
	    (after->start & slot_mask) == (block & slot_mask) &&
	    after->target > after->start - block)
		return after->target - (after->start - block);
	return 0;
}

Mapping search_leaf(const Node &leaf, u64 block, u64 most, u64 high, u64 since)
{
	const u32 count = leaf.count();
	const u32 upto = leaf.records_up_to(layout, count, block);
	u64 end = high;
	Record before{};
	Record after{};

	if (upto > 0)
		before = read_record(leaf, upto - 1, since);
	if (upto < count) {
		after = read_record(leaf, upto, since);
		end = after.start;
	}

	Mapping found;

	if (upto > 0 && block < before.end) {
		end = before.end;
		found.kind = before.data   ? Mapping::Kind::data
			     : before.lost ? Mapping::Kind::lost
					   : Mapping::Kind::zero;
		found.own = before.data && before.own;
		found.target = PhysicalBlock(before.target + (block - before.start));
	}
	if (!found.own) {
		Record previous{};

		if (upto > 1 && found.kind != Mapping::Kind::hole)
			previous = read_record(leaf, upto - 2, since);
		const Record *left = found.kind == Mapping::Kind::hole
					     ? (upto > 0 ? &before : nullptr)
					     : (upto > 1 ? &previous : nullptr);

		found.goal = goal_of(block, left, upto < count ? &after : nullptr);
	}
	const u64 run = end > block ? end - block : 1;

	found.run = BlockCount(run < most ? run : most);
	return found;
}

Mapping hole(u64 most)
{
	Mapping found;

	found.run = BlockCount(most);
	return found;
}

/* One try without a lock; what it returns means nothing if the tree's seq has moved. */
Result<Mapping> descend(const Tree &tree, const NodeCache &cache, u64 block, u64 most)
{
	u64 at = tree.root_block();
	u64 high = format::end_of_keys;

	if (at == 0)
		return hole(most);
	for (u32 level = tree.root_level();; level--) {
		const Node *node = cache.find(at);

		if (!node || node->level() != level)
			return Err::would_block;
		if (level == 0)
			return search_leaf(*node, block, most, high, tree.since());

		const u32 count = node->count();
		const u32 upto = node->records_up_to(node->layout(), count, block);

		if (upto < count)
			high = node->key(node->layout(), upto);
		at = node->child(upto > 0 ? upto - 1 : 0);
	}
}

} // namespace

Result<Mapping> find_extent(const Tree &tree, const NodeCache &cache, VirtualBlock block,
			    BlockCount most)
{
	RcuGuard rcu;

	for (int tries = 0; tries < 16; tries++) {
		const u32 seen = tree.seq.read_begin();

		if (SeqCount::is_busy(seen))
			continue;
		auto found = descend(tree, cache, block.raw(), most.raw());

		if (!tree.seq.read_retry(seen))
			return found;
	}
	return Err::would_block;
}

Result<Mapping> find_extent_locked(const Tree &tree, NodeCache &cache, VirtualBlock block,
				   BlockCount most)
{
	u64 high = format::end_of_keys;

	if (tree.is_empty())
		return hole(most.raw());
	Node *root = TBK_TRY(cache.get(tree.root(), tree.kind));
	Pin node(cache, root);

	while (node->level() > 0) {
		const u32 count = node->count();
		const u32 upto = node->records_up_to(node->layout(), count, block.raw());

		if (upto < count)
			high = node->key(node->layout(), upto);
		node.reset(TBK_TRY(cache.get(node->pointer(upto > 0 ? upto - 1 : 0), tree.kind)));
	}
	return search_leaf(*node.get(), block.raw(), most.raw(), high, tree.since());
}

} // namespace thinback
