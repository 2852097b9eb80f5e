// SPDX-License-Identifier: GPL-2.0
#include "node_cache.h"

#include <thinback/base/container.h>
#include <thinback/base/scope.h>

#include "sync_io.h"

namespace thinback {

NodeCache::NodeCache(struct tbk_device &device, const NodeHome &home)
	: device_(device),
	  pool_(home.pool),
	  blocks_(home.blocks),
	  data_end_(home.data_end),
	  read_only_(home.read_only)
{
	static_assert(sizeof(Node) <= node_bytes - format::block_size);
	set_limit_bytes(default_bytes());
}

Result<Owned<NodeCache>> NodeCache::create(struct tbk_device &device, const NodeHome &home)
{
	Owned<NodeCache> cache = TBK_TRY(make<NodeCache>(device, home));

	cache->index_ = static_cast<Atomic<Node *> *>(tbk_big_alloc(buckets * sizeof(Node *)));
	if (!cache->index_)
		return Err::no_memory;
	return cache;
}

/* Nobody looks up any more, and nothing is pinned. */
NodeCache::~NodeCache()
{
	for (;;) {
		Node *node = nullptr;
		{
			SpinGuard guard(order_lock_);
			node = order_.pop_front();
		}
		if (!node)
			break;
		TBK_ASSERT(node->pins_ == 0);
		free_now(*node);
	}
	tbk_rcu_barrier();
	tbk_big_free(index_);
}

/* The checksum is not known while the node is being changed. */
bool NodeCache::is_meant(const Node &node, const NodePointer &pointer, format::TreeKind kind)
{
	return node.level() == pointer.level && node.kind() == kind &&
	       node.birth() == pointer.birth;
}

u32 NodeCache::bucket_of(u64 block)
{
	return static_cast<u32>((block * 0x9e3779b97f4a7c15ull) >> 49);
}

void NodeCache::free_now(Node &node)
{
	u8 *image = node.image_;

	node.~Node();
	tbk_free(image);
	tbk_free(&node);
}

void NodeCache::free_node(struct tbk_rcu *rcu)
{
	Node &node = container_of<&Node::rcu_>(rcu);
	Atomic<u32> &leaving = node.cache_->leaving_;

	free_now(node);
	leaving.fetch_sub_relaxed(1);
}

/* Nobody can find or hold it any more. */
void NodeCache::leave(Node &node)
{
	if (node.dirty.load_relaxed())
		dirty_.fetch_sub_relaxed(1);
	leaving_.fetch_add_relaxed(1);
	size_.fetch_sub_relaxed(1);
	tbk_rcu_call(&node.rcu_, free_node);
}

Node *NodeCache::find(u64 block) const
{
	Node *node = index_[bucket_of(block)].load_acquire();

	while (node && node->block_ != block)
		node = node->next_.load_acquire();
	/* Written only when it changes: a hot node's line stays shared between CPUs. */
	if (node && !node->used_.load_relaxed())
		node->used_.store_relaxed(1);
	return node;
}

Node *NodeCache::find_pinned(u64 block)
{
	SpinGuard guard(lock_of(block));
	RcuGuard rcu;
	Node *node = find(block);

	if (node)
		node->pins_++;
	return node;
}

Node *NodeCache::get_cached(u64 block)
{
	return find_pinned(block);
}

/* Caller holds the bucket's lock. */
void NodeCache::link(Node &node)
{
	Atomic<Node *> &head = index_[bucket_of(node.block_)];

	node.next_.store_relaxed(head.load_relaxed());
	head.store_release(&node);
}

/* Caller holds the bucket's lock. */
void NodeCache::unlink(Node &node)
{
	Atomic<Node *> *at = &index_[bucket_of(node.block_)];

	while (at->load_relaxed() != &node)
		at = &at->load_relaxed()->next_;
	at->store_release(node.next_.load_relaxed());
}

Result<Node *> NodeCache::prepare(u64 block)
{
	coming_.fetch_add_relaxed(1);
	size_.fetch_add_relaxed(1);
	make_room();
	coming_.fetch_sub_relaxed(1);
	void *memory = tbk_alloc(sizeof(Node), TBK_MAY_SLEEP);
	void *image = tbk_alloc(format::block_size, TBK_MAY_SLEEP);

	if (!memory || !image) {
		tbk_free(memory);
		tbk_free(image);
		size_.fetch_sub_relaxed(1);
		return Err::no_memory;
	}
	Node *node = new (At{ memory }) Node(block, static_cast<u8 *>(image));

	node->cache_ = this;
	return node;
}

void NodeCache::discard_prepared(Node *node)
{
	free_now(*node);
	size_.fetch_sub_relaxed(1);
}

void NodeCache::insert_prepared(Node &node)
{
	node.dirty.store_relaxed(1);
	dirty_.fetch_add_relaxed(1);
	node.used_.store_relaxed(1);
	node.pins_ = 1;
	{
		SpinGuard guard(lock_of(node.block_));
		link(node);
	}
	SpinGuard guard(order_lock_);

	order_.push_back(node);
}

void NodeCache::written(Node &node)
{
	node.dirty.store_relaxed(0);
	dirty_.fetch_sub_relaxed(1);
	unpin(node);
}

/* The log is told once: a guest may ask for it again and again. */
bool NodeCache::is_news(const NodePointer &pointer)
{
	return told_.exchange(pointer.block) != pointer.block;
}

/*
 * From either copy. One that was read in place of the first is written over it:
 * the same bytes to the same place, to which the caller's tree leads.
 */
Status NodeCache::read(Node &node, const NodePointer &pointer, format::TreeKind kind)
{
	const NodeHome home = this->home();
	const Status first = read_node(device_, pointer, Copy::first, kind, home, node.image_);

	node.mirror = pointer.mirror < home.blocks ? pointer.mirror : 0;
	if (first.is_ok())
		return {};
	const Status second = read_node(device_, pointer, Copy::second, kind, home, node.image_);

	if (!second.is_ok()) {
		if (is_news(pointer))
			tbk_log(TBK_LOG_ERROR, "tree node in block %llu: %s%s%s", pointer.block,
				to_text(first.error()), pointer.mirror ? "; and its copy: " : "",
				pointer.mirror ? to_text(second.error()) : "");
		return first;
	}
	const Status healed = home.read_only ? Status(Err::read_only)
					     : write_blocks(device_, PhysicalBlock(pointer.block),
							    node.image_, BlockCount(1), 0);

	healed_.fetch_add_relaxed(1);
	if (healed.is_ok() || is_news(pointer))
		tbk_log(TBK_LOG_WARNING, "tree node in block %llu: %s: %s its copy in block %llu",
			pointer.block, to_text(first.error()),
			healed.is_ok() ? "healed from" : "read from", pointer.mirror);
	return {};
}

Result<Node *> NodeCache::get(const NodePointer &pointer, format::TreeKind kind)
{
	if (Node *there = find_pinned(pointer.block)) {
		if (is_meant(*there, pointer, kind))
			return there;
		unpin(*there);
		return Err::stale;
	}
	Node *node = TBK_TRY(prepare(pointer.block));
	auto undo = defer([&] { discard_prepared(node); });

	TBK_TRY(read(*node, pointer, kind));
	node->sealed = true;
	node->pins_ = 1;
	node->used_.store_relaxed(1);
	{
		SpinGuard guard(lock_of(pointer.block));
		Node *first = nullptr;

		{
			RcuGuard rcu;
			first = find(pointer.block);
		}
		if (first) {
			/* Another was quicker. */
			first->pins_++;
			return first;
		}
		link(*node);
	}
	undo.dismiss();
	SpinGuard guard(order_lock_);

	order_.push_back(*node);
	return node;
}

void NodeCache::unpin(Node &node)
{
	bool last = false;

	{
		SpinGuard guard(lock_of(node.block_));
		TBK_ASSERT(node.pins_ > 0);
		node.pins_--;
		last = node.pins_ == 0 && node.dropped_;
	}
	if (last)
		leave(node);
}

void NodeCache::drop(Node &node)
{
	{
		SpinGuard guard(order_lock_);
		if (node.order_.is_linked())
			order_.remove(node);
	}
	{
		SpinGuard guard(lock_of(node.block_));
		TBK_ASSERT(!node.dropped_);
		unlink(node);
		node.dropped_ = true;
	}
	unpin(node);
}

} // namespace thinback
