/* SPDX-License-Identifier: GPL-2.0 */
/* fsck: everything that must hold of a pool on disk, verified without writing. */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/entry.h>

#include "node.h"
#include "space.h"

namespace thinback {

/* Collects what is wrong; after the first thousand only counts. */
class Findings {
public:
	explicit Findings(struct tbk_check &check) : check_(check) {}

	void leak(const char *text) { add(TBK_FINDING_LEAK, text); }
	void repairable(const char *text) { add(TBK_FINDING_REPAIRABLE, text); }
	void damaged(const char *text) { add(TBK_FINDING_DAMAGED, text); }

	struct tbk_check &check() { return check_; }

private:
	static constexpr u32 most = 1000;

	void add(enum tbk_finding_class kind, const char *text);

	struct tbk_check &check_;
	u32 count_ = 0;
};

/* Which blocks something leads to: a bitmap for each group that has any. */
class Reached {
public:
	explicit Reached(u64 groups) : groups_(groups) {}
	~Reached();
	Reached(const Reached &) = delete;
	Reached &operator=(const Reached &) = delete;
	Status init();

	/* How many of the run are marked already, before it marks all. */
	Result<u32> mark(u64 start, u32 count);
	u32 count(u64 start, u32 count) const;
	/* NULL when none of its blocks is marked. */
	const u64 *group(u64 index) const { return bitmaps_[index]; }

private:
	const u64 groups_;
	u64 **bitmaps_ = nullptr;
};

/* How many blocks of data the subtree of a node maps, by its block. */
class SubtreeCounts {
public:
	SubtreeCounts() = default;
	~SubtreeCounts() { tbk_big_free(slots_); }
	SubtreeCounts(const SubtreeCounts &) = delete;
	SubtreeCounts &operator=(const SubtreeCounts &) = delete;

	Status put(u64 block, u64 count);
	bool find(u64 block, u64 &count) const;

private:
	struct Slot {
		u64 block; /* 0: empty */
		u64 count;
	};

	Slot *slot_of(Slot *slots, u64 room, u64 block) const;
	Status grow();

	Slot *slots_ = nullptr;
	u64 room_ = 0;
	u64 used_ = 0;
};

/* One volume or snapshot, as its record has it. */
struct CheckedTree {
	format::CatalogRecord record;
	CheckedTree *parent;
	u32 children;
	bool walked;
	char name[2 * format::name_size + 2]; /* for messages */
};

class Checker {
public:
	Checker(struct tbk_device &device, struct tbk_check &check)
		: device_(device), findings_(check)
	{
	}
	~Checker();
	Checker(const Checker &) = delete;
	Checker &operator=(const Checker &) = delete;

	/* Not ok only where it could not go on: no pool, no memory. */
	Status run();

private:
	/* What a walk needs to know of the tree it is in. */
	struct Walk {
		const char *name;
		format::TreeKind kind;
		u64 since;
		u64 size; /* blocks */
		u64 own;
	};
	struct Range {
		u64 low;
		u64 high;
	};

	/* check_tree.cc */
	Status walk(Walk &walk, const NodePointer &pointer, Range range, u64 &mapped);
	Status visit_branch(Walk &walk, u8 *image, Range range, u64 &mapped);
	Status visit_extents(Walk &walk, const u8 *image, u64 &mapped);
	Status visit_catalog(const u8 *image);
	bool read_node(const Walk &walk, const NodePointer &pointer, Range range, u8 *image);

	/* check_catalog.cc */
	Status add_tree(const format::CatalogRecord &record);
	void check_records();
	void check_parent(CheckedTree &tree);
	void check_names();
	void check_flags(const CheckedTree &tree);
	Status walk_trees();
	Status walk_tree(CheckedTree &tree);
	CheckedTree *find(u32 id) const;

	/* check_space.cc */
	Status check_space();
	Status check_group(u64 index, u64 *used, u64 &free);

	void progress();

	struct tbk_device &device_;
	Findings findings_;
	format::Superblock *super_ = nullptr;
	Owned<Space> space_;
	Owned<Reached> reached_;
	SubtreeCounts counts_;
	CheckedTree *trees_ = nullptr;
	u32 tree_count_ = 0;
	u32 tree_room_ = 0;
	u8 *images_ = nullptr; /* one block for each level */
	u64 blocks_read_ = 0;
	char text_[320] = {};
};

} // namespace thinback

/* One finding, with a sentence put together like printf's. */
#define TBK_FINDING(kind, ...)                                    \
	do {                                                      \
		tbk_format(text_, sizeof(text_), __VA_ARGS__);    \
		findings_.kind(text_);                            \
	} while (0)
