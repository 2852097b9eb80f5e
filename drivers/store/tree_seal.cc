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
	u64 pool;
	u32 owner;
	WriteList &list;

	/* Children first: a parent holds their checksums. As deep as the tree is high. */
	NodePointer seal(u64 block)
	{
		Node *node = cache.get_cached(block);

		TBK_ASSERT(node && !node->sealed);
		if (node->level() > 0)
			seal_children(*node);
		auto &header = node->header();

		header.magic.set(format::node_magic);
		header.self.set(block);
		header.pool.set(pool);
		header.checkpoint.set(epoch);
		header.owner.set(owner);
		seal_block(node->image());
		node->sealed = true;
		list.add(cache, *node);

		const NodePointer sealed = { block, node->birth(), header.checksum.get(),
					     node->level() };

		cache.unpin(*node);
		return sealed;
	}

	void seal_children(Node &node)
	{
		const NodeLayout layout = node.layout();

		for (u32 i = 0; i < node.count(); i++) {
			if (!node.is_pending(i))
				continue;
			node.set_pointer(i, node.key(layout, i), seal(node.child(i)), false);
		}
	}
};

} // namespace

void seal_tree(Tree &tree, NodeCache &cache, u64 epoch, u64 pool, WriteList &list)
{
	if (!tree.is_root_pending())
		return;
	Sealer sealer{ cache, epoch, pool, tree.owner, list };

	tree.set_root(sealer.seal(tree.root_block()), false);
}

} // namespace thinback
