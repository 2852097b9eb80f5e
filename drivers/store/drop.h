/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "lost_range.h"
#include "pool.h"

namespace thinback {

/*
 * Gives up what cannot be read. In the place of a lost leaf come leaves that say
 * so of their range; what lies above is copied. Births and what trees share stay
 * as they are: a node's successor is that in all trees. All of it is new blocks,
 * and roots in the memory of a pool whose next checkpoint makes it durable.
 *
 * A branch that is lost takes its leaves along, unless trees descend from its
 * snapshot: with one child that takes the snapshot's place; with more nobody can
 * tell who has what, and it stays as it is.
 */
class Dropper {
public:
	static Result<Owned<Dropper>> create(struct tbk_device &device,
					     const format::Superblock &super, Survey &survey,
					     struct tbk_check &check);
	~Dropper();
	Dropper(const Dropper &) = delete;
	Dropper &operator=(const Dropper &) = delete;

	/* Whether there is anything that can be given up. */
	bool has_work() const;
	/* Nothing else has changed yet in this epoch, of which all blocks that the journal maps are taken. */
	Status run(Pool &pool);
	/* What has been given up, now that it is durable. */
	void tell();

private:
	static constexpr u32 most_pieces = 3;

	/* What came in the place of a node: of the same level. */
	struct Successor {
		u64 block = 0; /* the node's */
		u32 count = 0; /* 0: it stays */
		u64 keys[most_pieces] = {};
		NodePointer pieces[most_pieces];
		NodePointer root; /* the same with one node at its head */
	};
	/* For a person, once it is durable. */
	struct Told {
		u64 id;
		u64 low;
		u64 high; /* 0: the snapshot as a whole */
		Told *next;
	};
	struct Range {
		u64 low;
		u64 high;
	};

	Dropper(struct tbk_device &device, const format::Superblock &super, Survey &survey,
		struct tbk_check &check)
		: device_(device), pool_id_(super.header.pool.get()), survey_(survey), check_(check)
	{
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	bool may_go(const LostNode &node) const;
	Status drop_in(CheckedTree &tree, Pool &pool) TBK_REQUIRES(pool.catalog().lock());
	CheckedTree *heir(const CheckedTree &tree) const;
	Status replace_snapshot(CheckedTree &from, CheckedTree &into, Pool &pool)
		TBK_REQUIRES(pool.catalog().lock());

	Result<NodePointer> rewrite_root(const NodePointer &root);
	Result<Successor> rewrite(const NodePointer &pointer, Range range);
	Status rewrite_path(const NodePointer &pointer, Range range, Successor &now);
	Status add_successors(const NodePointer &child, Range range, Node &to);
	Status replace_lost(const NodePointer &pointer, Range range, Successor &now);
	Status write_leaves(const NodePointer &pointer, Range range, Successor &now);
	Status write_chain(const NodePointer &pointer, Range range, Successor &now);
	Result<NodePointer> write_root_above(const Successor &now);
	Node begin_node(u8 *image, u32 level, u64 birth, Range range);
	Result<NodePointer> write_node(Node &node);
	Status remember(const CheckedTree &tree, Range range);

	struct tbk_device &device_;
	const u64 pool_id_;
	Survey &survey_;
	struct tbk_check &check_;
	Owned<NodeReader> reader_;
	Owned<LostRange> lost_range_;
	BlockTable<Successor> successors_;
	u8 *images_ = nullptr; /* two for each level: as it is, as it will be */
	Pool *pool_ = nullptr;
	CheckedTree *tree_ = nullptr; /* at hand */
	u64 epoch_ = 0;
	Home home_;
	u64 last_block_ = 0;
	Told *told_ = nullptr;
	Told **told_end_ = &told_;
	char text_[CheckReport::text_size] = {};
};

} // namespace thinback
