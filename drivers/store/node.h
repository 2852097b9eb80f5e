/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/block.h>
#include <thinback/base/list.h>
#include <thinback/base/result.h>
#include <thinback/format/node.h>

namespace thinback {

class NodeCache;

/* What a parent (or a catalog record, or the superblock) says of a node. */
struct NodePointer {
	u64 block = 0; /* 0: none */
	u64 birth = 0;
	u32 checksum = 0;
	u32 level = 0;
	u64 mirror = 0; /* its second copy, 0: none */
};

NodePointer read_root(const format::RootPointer &root);
void write_root(format::RootPointer &root, const NodePointer &from);

/* How records lie in a node: as words of 64 bits, the key in the first. */
struct NodeLayout {
	u32 words;     /* a record */
	u32 capacity;  /* records */
	u32 key_shift; /* the key is word 0 shifted right by this */
};

constexpr NodeLayout layout_of(format::TreeKind kind, u32 level)
{
	if (level > 0)
		return { sizeof(format::Branch) / 8, format::branch_capacity, 0 };
	if (kind == format::TreeKind::extents)
		return { sizeof(format::Extent) / 8, format::extent_capacity, 24 };
	return { sizeof(format::CatalogRecord) / 8, format::catalog_capacity, 0 };
}

/*
 * A tree node in memory. Its image is read by lookups without a lock while the
 * one writer of its tree changes it: hence single words, relaxed; what they
 * mean together is for the tree's SeqCount to say. Once sealed it never
 * changes, and other trees may come to share it.
 *
 * Owned by NodeCache.
 */
class Node {
public:
	Node(u64 block, u8 *image) : block_(block), image_(image) {}

	u64 block() const { return block_; }
	u8 *image() const { return image_; }
	format::BlockHeader &header() const
	{
		return *reinterpret_cast<format::BlockHeader *>(image_);
	}

	u32 level() const { return read_once(header().level); }
	format::TreeKind kind() const
	{
		return static_cast<format::TreeKind>(read_once(header().kind));
	}
	NodeLayout layout() const { return layout_of(kind(), level()); }
	u64 birth() const { return header().birth.get(); }

	/* Never more than fits, whatever a reader catches half-written. */
	u32 count() const
	{
		const u32 raw = header().count.get_relaxed();
		const u32 most = layout().capacity;

		return raw < most ? raw : most;
	}
	void set_count(u32 count) { header().count.set_relaxed(static_cast<u16>(count)); }

	u64 word(const NodeLayout &layout, u32 record, u32 index) const
	{
		return words()[record * layout.words + index].get_relaxed();
	}
	void set_word(const NodeLayout &layout, u32 record, u32 index, u64 value)
	{
		words()[record * layout.words + index].set_relaxed(value);
	}
	/*
	 * @count words from that of @record on, of this node or another; ranges may
	 * overlap. Four at a time: a third of what an insertion costs is this.
	 */
	void copy_words(const NodeLayout &layout, u32 record, const Node &from, u32 from_record,
			u32 count)
	{
		le64 *to = words() + record * layout.words;
		const le64 *source = from.words() + from_record * layout.words;

		if (to <= source)
			copy_forwards(to, source, count);
		else
			copy_backwards(to + count, source + count, count);
	}
	u64 key(const NodeLayout &layout, u32 record) const
	{
		return word(layout, record, 0) >> layout.key_shift;
	}

	/* How many of the first @count records have a key of at most @key. */
	u32 records_up_to(const NodeLayout &layout, u32 count, u64 key) const
	{
		u32 low = 0;
		u32 high = count;

		while (low < high) {
			const u32 middle = low + (high - low) / 2;

			if (this->key(layout, middle) <= key)
				low = middle + 1;
			else
				high = middle;
		}
		return low;
	}

	/* Branch entries. While the child is unsealed, its checksum is not known: pending. */
	static constexpr u64 pending = 1ull << 63;
	u64 child(u32 record) const { return word(branch, record, 1) & format::low_48; }
	bool is_pending(u32 record) const { return (word(branch, record, 3) & pending) != 0; }
	NodePointer pointer(u32 record) const;
	void set_pointer(u32 record, u64 key, const NodePointer &to, bool is_pending);

	/* Sealed: the image is final. Guarded by the lock of the one tree that has it unsealed. */
	bool sealed = false;
	/* The block of its second copy, 0: none. Final once sealed. */
	u64 mirror = 0;
	/* Not on disk yet: stays in memory. Cleared by the checkpoint that wrote it. */
	Atomic<u8> dirty;

private:
	friend class NodeCache;
	static constexpr NodeLayout branch = { sizeof(format::Branch) / 8, format::branch_capacity,
					       0 };

	static void copy_forwards(le64 *to, const le64 *from, u32 count);
	static void copy_backwards(le64 *to_end, const le64 *from_end, u32 count);

	le64 *words() const
	{
		return reinterpret_cast<le64 *>(image_ + sizeof(format::BlockHeader));
	}

	struct tbk_rcu rcu_ {};
	Atomic<Node *> next_; /* in its bucket */
	const u64 block_;
	u8 *const image_;
	NodeCache *cache_ = nullptr; /* that counts it */
	u32 pins_ = 0;		     /* guarded by its bucket's lock */
	bool dropped_ = false;	     /* the same: out of the index, to be freed with the last pin */
	Atomic<u8> used_;	     /* since the clock hand went by */
	ListLink order_;	     /* in the cache's list, guarded by its lock */

public:
	ListLink to_write; /* in a checkpoint's list, guarded by the pool's lock for it */
};

/* The pool that nodes are of. */
struct NodeHome {
	u64 pool = 0; /* as in BlockHeader */
	u64 blocks = 0;
	u64 data_end =
		~0ull; /* an extent that goes past it is not sound; check has more to say of it */
	bool read_only = false; /* nothing is healed */
};

/* Which of the two copies of a node. */
enum class Copy { first, second };

/*
 * Reads a copy of a node into @image, a block, and verifies its checksum, place,
 * kind, and the order and soundness of all records. not_found: there is no such
 * copy. Sleeps.
 */
Status read_node(struct tbk_device &device, const NodePointer &pointer, Copy copy,
		 format::TreeKind kind, const NodeHome &home, void *image);
/* Where a copy lies; 0: there is none. */
constexpr u64 block_of(const NodePointer &pointer, Copy copy)
{
	return copy == Copy::first ? pointer.block : pointer.mirror;
}

} // namespace thinback
