/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/lock.h>
#include <thinback/base/owned.h>

#include "node.h"

namespace thinback {

/*
 * Tree nodes in memory, by the block they lie in. Lookups find them without a
 * lock, under RCU; whoever sleeps with one pins it. There are no more than
 * `limit`, those counted that editors keep ready and those that RCU has yet to
 * free: before one comes clean nodes go, those not used since the clock hand
 * last passed first. Dirty ones cannot go: changes keep them to half of the
 * limit (is_stuffed()), but for what is under way when that is reached.
 */
class NodeCache {
public:
	static constexpr u64 least_bytes = 1u << 20;
	static constexpr u64 most_bytes = 256u << 20; /* by default */
	static constexpr u64 node_bytes = format::block_size + 128;

	static Result<Owned<NodeCache>> create(struct tbk_device &device, const NodeHome &home);
	~NodeCache();
	NodeCache(const NodeCache &) = delete;
	NodeCache &operator=(const NodeCache &) = delete;

	/* NULL when not in memory. The caller is in an RCU read section, and the node gone after it. */
	Node *find(u64 block) const;

	/* Pinned; read from disk if it must be. May sleep. */
	Result<Node *> get(const NodePointer &pointer, format::TreeKind kind);
	/* Pinned, or NULL when not in memory. */
	Node *get_cached(u64 block);
	void unpin(Node &node);

	/* A node made beforehand, so that nothing can fail later; or put back unused. */
	Result<Node *> prepare(u64 block);
	void discard_prepared(Node *node);
	/* Into the index, dirty and pinned. Its image is complete enough for lookups. */
	void insert_prepared(Node &node);

	/* It is on disk. Takes the caller's pin with it. */
	void written(Node &node);
	/* Out of the index: nothing refers to it any more. Takes the caller's pin with it. */
	void drop(Node &node);

	/* Out of memory as far as possible; for tests and for closing. */
	void shrink(u32 limit);
	/* Down to the limit, if that is exceeded. */
	void trim() { shrink(limit()); }
	/* The pool has so many blocks now, for nodes and for data. */
	void set_blocks(u64 blocks)
	{
		blocks_.store_release(blocks);
		data_end_.store_release(blocks);
	}
	/* Of the nodes, as it is now. */
	NodeHome home() const
	{
		return { pool_, blocks_.load_acquire(), data_end_.load_acquire(), read_only_ };
	}
	/* Nodes that were read from their second copy. */
	u32 healed() const { return healed_.load_relaxed(); }
	u32 limit() const { return limit_.load_relaxed(); }
	void set_limit(u32 limit) { limit_.store_relaxed(limit); }
	u32 size() const { return size_.load_relaxed(); }
	/* Nodes that are not on disk yet. */
	u32 dirty() const { return dirty_.load_relaxed(); }
	/* A change that can wait waits for a checkpoint. */
	bool is_stuffed() const { return dirty() > 0 && dirty() >= limit() / 2; }

	/* The same in bytes, with all that the cache takes. */
	static u64 default_bytes();
	u64 limit_bytes() const { return index_bytes + limit() * node_bytes; }
	void set_limit_bytes(u64 bytes);
	u64 bytes() const;

private:
	static constexpr u32 buckets = 1u << 15;
	static constexpr u32 stripes = 64;
	static constexpr u64 index_bytes = buckets * sizeof(Node *);

	struct Stripe {
		SpinLock lock{ TBK_RANK_NODE_CACHE };
	};

	NodeCache(struct tbk_device &device, const NodeHome &home);
	friend Result<Owned<NodeCache>> make<NodeCache>(struct tbk_device &, const NodeHome &);

	Status read(Node &node, const NodePointer &pointer, format::TreeKind kind);
	static bool is_meant(const Node &node, const NodePointer &pointer, format::TreeKind kind);
	static u32 bucket_of(u64 block);
	SpinLock &lock_of(u64 block) { return stripes_[bucket_of(block) % stripes].lock; }
	void link(Node &node);
	void unlink(Node &node);
	Node *find_pinned(u64 block);
	bool try_evict(Node &node);
	void make_room();
	void leave(Node &node);
	static void free_node(struct tbk_rcu *rcu);
	static void free_now(Node &node);

	struct tbk_device &device_;
	const u64 pool_; /* these four: NodeHome */
	Atomic<u64> blocks_;
	Atomic<u64> data_end_;
	const bool read_only_;
	Atomic<u32> limit_;
	Atomic<u32> healed_;
	Atomic<u32> size_;    /* in memory, those not in the index included */
	Atomic<u32> coming_;  /* of these, those for which room is being made */
	Atomic<u32> leaving_; /* ... and those that RCU has yet to free */
	Atomic<u32> dirty_;
	Atomic<Node *> *index_ = nullptr;
	Stripe stripes_[stripes];

	Atomic<u64> told_; /* the block that the log last said cannot be read */
	SpinLock order_lock_{ TBK_RANK_NODE_ORDER };
	List<Node, &Node::order_> order_ TBK_GUARDED_BY(order_lock_); /* the hand is at the front */
};

/* A pin that ends with the block. */
class Pin {
public:
	Pin(NodeCache &cache, Node *node) : cache_(cache), node_(node) {}
	~Pin()
	{
		if (node_)
			cache_.unpin(*node_);
	}
	Pin(const Pin &) = delete;
	Pin &operator=(const Pin &) = delete;

	Node *get() const { return node_; }
	Node *operator->() const { return node_; }
	void reset(Node *node)
	{
		if (node_)
			cache_.unpin(*node_);
		node_ = node;
	}
	/* The pin is the caller's now. */
	Node *release()
	{
		Node *node = node_;

		node_ = nullptr;
		return node;
	}

private:
	NodeCache &cache_;
	Node *node_;
};

} // namespace thinback
