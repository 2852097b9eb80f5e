// SPDX-License-Identifier: GPL-2.0
#include "sync_io.h"
#include "tree.h"

namespace thinback {

void WriteList::add(NodeCache &cache, Node &node)
{
	/* A pin of the list's own. */
	Node *pinned = cache.get_cached(node.block());

	TBK_ASSERT(pinned == &node);
	SpinGuard guard(lock_);

	nodes_.push_back(node);
}

Node *WriteList::take()
{
	SpinGuard guard(lock_);

	return nodes_.pop_front();
}

namespace {

struct Sealer {
	NodeCache &cache;
	u64 epoch;
	Space &space;
	format::TreeKind kind;
	u32 owner;
	WriteList &list;

	/* Children first: a parent holds their checksums. As deep as the tree is high. */
	NodePointer seal(u64 block, bool is_root)
	{
		Node *node = cache.get_cached(block);

		TBK_ASSERT(node && !node->sealed);
		if (node->level() > 0)
			seal_children(*node);
		auto &header = node->header();

		header.magic.set(format::node_magic);
		header.self.set(block);
		header.pool.set(space.geometry().pool);
		header.checkpoint.set(epoch);
		header.owner.set(owner);
		seal_block(node->image());
		/* Of a catalog's leaf nobody could tell which volumes were in it. */
		if (node->level() > 0 || is_root || kind == format::TreeKind::catalog)
			node->mirror = space.take_copy(epoch, block);
		node->sealed = true;
		list.add(cache, *node);

		const NodePointer sealed = { block, node->birth(), header.checksum.get(),
					     node->level(), node->mirror };

		cache.unpin(*node);
		return sealed;
	}

	void seal_children(Node &node)
	{
		const NodeLayout layout = node.layout();

		for (u32 i = 0; i < node.count(); i++) {
			if (!node.is_pending(i))
				continue;
			node.set_pointer(i, node.key(layout, i), seal(node.child(i), false), false);
		}
	}
};

} // namespace

void seal_tree(Tree &tree, NodeCache &cache, u64 epoch, Space &space, WriteList &list)
{
	if (!tree.is_root_pending())
		return;
	Sealer sealer{ cache, epoch, space, tree.kind, tree.owner, list };

	tree.set_root(sealer.seal(tree.root_block(), true), false);
}

} // namespace thinback
