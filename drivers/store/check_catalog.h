/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/format/node.h>
#include <thinback/format/superblock.h>

#include "check_report.h"

namespace thinback {

/* A record of the catalog, and what the check made of its tree. */
struct CheckedTree {
	format::CatalogRecord record;
	CheckedTree *parent; /* NULL without one, and when what it says of it is wrong */
	u32 children;
	bool broken; /* part of it cannot be read, or is not what it should be */
	u64 own;
	u64 mapped;
	u64 passed; /* below this block it is merged into its child */

	u64 id() const { return record.id.get(); }
	u64 since() const { return record.since.get(); }
	u64 generation() const { return record.generation.get(); }
	u64 merged() const { return record.merged.get(); }
	u64 gone() const { return record.merge_gone.get(); }
	bool is_snapshot() const { return (record.flags.get() & format::catalog_snapshot) != 0; }
	bool is_hidden() const { return (record.flags.get() & format::catalog_hidden) != 0; }
	bool is_removing() const { return (record.flags.get() & format::catalog_removing) != 0; }
	bool is_gone() const { return is_hidden() || is_removing(); }

	/* Once it was walked. While it is being freed, or merged, part of what it shared has gone without being counted. */
	bool is_own_wrong() const { return !broken && passed == 0 && own != record.own.get(); }
	bool is_mapped_wrong() const
	{
		return !broken && passed == 0 && !is_removing() && mapped != record.mapped.get();
	}
};

/* What a tree is called in findings. */
struct TreeName {
	explicit TreeName(const CheckedTree &tree);

	char text[160];
};

/* All records, and whether they make sense together. */
class CheckedCatalog {
public:
	explicit CheckedCatalog(CheckReport &report) : report_(report) {}
	~CheckedCatalog();
	CheckedCatalog(const CheckedCatalog &) = delete;
	CheckedCatalog &operator=(const CheckedCatalog &) = delete;

	/* One after the other, by id. */
	Status add(const format::CatalogRecord &record);
	/* After the last add(). @whole: none is missing. */
	Status verify(const format::Superblock &super, bool whole);

	/* After verify(): parents before children. */
	u32 count() const { return count_; }
	CheckedTree &in_order(u32 index) const { return trees_[order_[index]]; }
	const CheckedTree &by_id(u32 index) const { return trees_[index]; }

	CheckedTree *find(u64 id) const;

private:
	void verify_one(CheckedTree &tree, const format::Superblock &super);
	void verify_name(const CheckedTree &tree);
	void verify_limits(const CheckedTree &tree);
	void verify_state(const CheckedTree &tree);
	void verify_merge(CheckedTree &tree);
	void link_parent(CheckedTree &tree, bool whole);
	Status verify_names(bool whole);
	void sort();
	bool is_before(u32 a, u32 b) const;
	void sift_down(u32 at, u32 end);

	CheckReport &report_;
	CheckedTree *trees_ = nullptr; /* by id */
	u32 count_ = 0;
	u32 room_ = 0;
	u32 *order_ = nullptr;
};

} // namespace thinback
