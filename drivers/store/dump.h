/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/dump_entry.h>

#include "check_catalog.h"
#include "pool.h"

namespace thinback {

/*
 * Tells of a pool's metadata, from its newest superblock down: as opening would
 * have it, journal included; of what cannot be opened, as much as can be read.
 * Of each tree what it shares with its parent is told as that.
 */
class Dump {
public:
	Dump(struct tbk_device &device, struct tbk_dump &to);
	Dump(const Dump &) = delete;
	Dump &operator=(const Dump &) = delete;

	Status run(Why *why);

private:
	struct Range {
		u64 low;
		u64 high;
	};

	static void ignore(struct tbk_check *check, enum tbk_finding_class kind, const char *text);
	static Status leave_space(Mending &mending, Space &space, u64 epoch);
	static Status leave_volumes(Mending &mending, Pool &pool);

	Status open(Why *why);
	Status open_damaged();
	Status read_records();
	Status read_node_of_catalog(const NodePointer &pointer, Range ids);
	Status add_records(const Node &leaf);
	NodeCache &cache() { return pool_ ? pool_->cache() : *cache_; }

	void tell_pool();
	void tell_object(const format::CatalogRecord &record);
	Status tell_tree(const CheckedTree &tree);
	Status visit(const NodePointer &pointer, Range range);
	Status visit_children(const Node &node, Range range);
	void visit_extents(const Node &leaf);
	void tell_shared(Range range);
	void end_shared();
	void tell_lost(const NodePointer &pointer, Range range, Err err);
	void step();

	struct tbk_device &device_;
	struct tbk_dump &to_;
	struct tbk_check quiet_ {};
	CheckReport report_;
	CheckedCatalog catalog_;
	Mending mending_{};
	Owned<Pool> pool_;
	Owned<NodeCache> cache_; /* without a pool */
	format::Superblock super_{};
	bool is_whole_ = true; /* all records were read */
	u64 nodes_ = 0;
	u64 total_ = 0;

	/* The tree at hand. */
	const CheckedTree *tree_ = nullptr;
	u64 merged_ = 0;
	Range shared_ = {}; /* with its parent; not told yet */
	char text_[CheckReport::text_size] = {};
};

} // namespace thinback

/* One line about what is lost. */
#define TBK_LOST(...)                                          \
	do {                                                   \
		tbk_format(text_, sizeof(text_), __VA_ARGS__); \
		to_.lost(&to_, text_);                         \
	} while (0)
