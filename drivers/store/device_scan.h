/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/entry.h>

#include "block_table.h"
#include "node.h"

namespace thinback {

/* A catalog's root, as it says of itself. */
struct SeenRoot {
	NodePointer pointer;
	u64 checkpoint = 0;
};

/* A block of the journal. */
struct SeenJournal {
	u64 block = 0;	 /* its number, and one */
	u64 durable = 0; /* the checkpoint that was when it was written */
	u64 newest = 0;	 /* epoch of a record */
};

/* A tree that nodes of were found. */
struct SeenTree {
	u64 block = 0; /* its id, and one */
};

/*
 * Reads a device whose superblocks are lost from its start to its end, for blocks
 * that say of themselves what they are: of one pool, sound, and where they claim
 * to be. What guests have written may look like that; the pool's number they do
 * not know, since it is first looked for where no guest can write.
 */
class DeviceScan {
public:
	static Result<Owned<DeviceScan>> create(struct tbk_device &device, struct tbk_check &check);
	~DeviceScan();
	DeviceScan(const DeviceScan &) = delete;
	DeviceScan &operator=(const DeviceScan &) = delete;

	/* Whether there is anything of a pool at places that are fixed, in the first groups. Quick. */
	static Result<bool> has_remains(struct tbk_device &device);

	/* no_pool when nothing was found; wrong_pool when it is of several. */
	Status run();

	u64 pool() const { return pool_; }
	/* The newest first. */
	u32 root_count() const { return root_count_; }
	const SeenRoot &root(u32 index) const { return roots_[index]; }
	u64 trees() const { return trees_.count(); }

	/* Above all that was seen there is nothing. */
	u64 newest_node() const { return newest_node_; }
	u64 newest_metadata() const { return newest_metadata_; }
	u64 newest() const { return max(newest_metadata_, newest_epoch_); }
	u64 birth() const { return birth_; }
	u64 owner() const { return owner_; }

	const BlockTable<SeenJournal> &journal() const { return journal_; }
	u64 journal_top() const { return journal_top_; }     /* the highest number, and one */
	u64 journal_reach() const { return journal_reach_; } /* blocks from its start on */
	u64 journal_rounds() const
	{
		return journal_rounds_;
	} /* a multiple of its length; 0 unknown */
	u64 journal_durable() const { return journal_durable_; } /* checkpoints that it says are */

private:
	static constexpr u64 piece = 256; /* blocks read at once */
	static constexpr u32 most_roots = 16;

	DeviceScan(struct tbk_device &device, struct tbk_check &check)
		: device_(device), check_(check)
	{
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	template <typename Visit> Status each_block(u64 from, u64 to, Visit visit);
	Status find_pool();
	Status find_pool_by_nodes();
	Status vote(u64 from, u64 to);
	Status visit(u64 at, const format::BlockHeader &header);
	void visit_root(u64 at, const format::BlockHeader &header);
	Status visit_journal(u64 at, const format::BlockHeader &header);

	struct tbk_device &device_;
	struct tbk_check &check_;
	u64 blocks_ = 0; /* of the device */
	u8 *buffer_ = nullptr;
	u64 pool_ = 0;
	bool is_disputed_ = false; /* blocks are of several pools */
	SeenRoot roots_[most_roots];
	u32 root_count_ = 0;
	BlockTable<SeenTree> trees_;
	BlockTable<SeenJournal> journal_;
	u64 newest_node_ = 0;
	u64 newest_metadata_ = 0; /* nodes, bitmaps, summaries */
	u64 newest_epoch_ = 0;	  /* in the journal */
	u64 birth_ = 0;
	u64 owner_ = 0;
	u64 journal_top_ = 0;
	u64 journal_reach_ = 0;
	u64 journal_rounds_ = 0;
	u64 journal_durable_ = 0;
};

} // namespace thinback
