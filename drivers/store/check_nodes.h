/* SPDX-License-Identifier: GPL-2.0 */
/* Nodes for a check: read from the device, nothing else; and those that were shared. */
#pragma once

#include <thinback/base/owned.h>

#include "block_table.h"
#include "node.h"

namespace thinback {

/* Reads nodes as their parents mean them; keeps some, for those who look things up. */
class NodeReader {
public:
	static Result<Owned<NodeReader>> create(struct tbk_device &device, const NodeHome &home);
	~NodeReader();
	NodeReader(const NodeReader &) = delete;
	NodeReader &operator=(const NodeReader &) = delete;

	/* Why each copy is not what @pointer says, ok if it is; ok for a second that there is not to be. */
	struct Copies {
		Err first = Err::ok;
		Err second = Err::ok;
	};
	/* Reads both. @image, a block, is the node, unless neither is. */
	Copies read_both(const NodePointer &pointer, format::TreeKind kind, u8 *image);
	/* The first that is sound. */
	Status read(const NodePointer &pointer, format::TreeKind kind, u8 *image);

	/* Of a volume's tree; kept until the next call. NULL when it cannot be had. */
	u8 *look(const NodePointer &pointer);

private:
	static constexpr u32 places = 512;

	NodeReader(struct tbk_device &device, const NodeHome &home) : device_(device), home_(home)
	{
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	Status read(const NodePointer &pointer, Copy copy, format::TreeKind kind, u8 *image)
	{
		return read_node(device_, pointer, copy, kind, home_, image);
	}

	struct tbk_device &device_;
	const NodeHome home_;
	u8 *images_ = nullptr;
	NodePointer held_[places];
};

/* A copy of a node that is damaged, while the other is not. */
struct BadCopy {
	NodePointer pointer;
	format::TreeKind kind = format::TreeKind::extents;
	Copy copy = Copy::first;
};

/* Those that a check came upon, for who mends them. */
class BadCopies {
public:
	BadCopies() = default;
	~BadCopies();
	BadCopies(const BadCopies &) = delete;
	BadCopies &operator=(const BadCopies &) = delete;

	Status add(const BadCopy &copy);
	u32 count() const { return count_; }
	const BadCopy &at(u32 index) const { return list_[index]; }

private:
	BadCopy *list_ = nullptr;
	u32 count_ = 0;
	u32 room_ = 0;
};

/* What is remembered of a node that other trees may share. */
struct SharedNode {
	u64 block = 0; /* 0: none */
	u64 low = 0;
	u64 high = 0;
	u64 mapped = 0; /* blocks of data below it */
};

/* All nodes of snapshots. */
using SharedNodes = BlockTable<SharedNode>;

/* A node that cannot be read, or through which one is come to that cannot. */
struct LostNode {
	u64 block = 0; /* 0: none */
	u64 owner = 0; /* id of the tree whose own it is */
	u32 level = 0;
	bool is_path = false; /* it can be read itself */
};
using LostNodes = BlockTable<LostNode>;

} // namespace thinback
