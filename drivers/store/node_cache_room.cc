// SPDX-License-Identifier: GPL-2.0
/* The part of NodeCache that keeps to its limit. */
#include "node_cache.h"

namespace thinback {

u64 NodeCache::default_bytes()
{
	const u64 share = tbk_memory_bytes() / 64;

	return share < least_bytes ? least_bytes : share > most_bytes ? most_bytes : share;
}

void NodeCache::set_limit_bytes(u64 bytes)
{
	set_limit(static_cast<u32>((bytes - index_bytes) / node_bytes));
}

u64 NodeCache::bytes() const
{
	const u64 nodes = u64{ size() } + leaving_.load_relaxed() - coming_.load_relaxed();

	return index_bytes + nodes * node_bytes;
}

/*
 * For those that are coming, which are counted already. Many go at a time, so that RCU has
 * time for them before it is waited for. While a pool is opened, a replay may make
 * more nodes dirty than there should be.
 */
void NodeCache::make_room()
{
	const u32 limit = this->limit();

	if (size() + leaving_.load_relaxed() <= limit || dirty() >= limit)
		return;
	if (size() > limit)
		shrink(limit - limit / 8);
	if (size() + leaving_.load_relaxed() > limit)
		tbk_rcu_barrier();
}

/* Caller holds order_lock_. True if the node is out of the index. */
bool NodeCache::try_evict(Node &node)
{
	if (node.dirty.load_relaxed() || node.used_.load_relaxed()) {
		node.used_.store_relaxed(0);
		return false;
	}
	SpinGuard guard(lock_of(node.block_));

	if (node.pins_ > 0 || node.dropped_)
		return false;
	node.dropped_ = true;
	unlink(node);
	return true;
}

void NodeCache::shrink(u32 limit)
{
	/* Twice round clears each mark and comes back for the node. */
	for (u32 steps = 2 * size() + 2; steps > 0 && size() > limit; steps--) {
		Node *node = nullptr;
		bool gone = false;

		{
			SpinGuard guard(order_lock_);
			node = order_.pop_front();
			if (!node)
				return;
			gone = try_evict(*node);
			if (!gone)
				order_.push_back(*node);
		}
		if (gone)
			leave(*node);
	}
}

} // namespace thinback
