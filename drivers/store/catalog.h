/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/base/span.h>

#include "volume.h"

namespace thinback {

/* As of now. Caller holds the volume's lock, or nobody changes it. */
void fill_record(format::CatalogRecord &record, const Volume &volume);

/*
 * Which volumes and snapshots there are. All of them are in memory; a tree
 * keyed by id holds their records on disk. Everything needs lock().
 */
class Catalog {
public:
	Catalog(NodeCache &cache, Space &space)
		: cache_(cache), space_(space), editor_(cache, space)
	{
	}
	~Catalog();
	Catalog(const Catalog &) = delete;
	Catalog &operator=(const Catalog &) = delete;

	Mutex &lock() TBK_RETURNS_LOCK(lock_) { return lock_; }

	/* Reads all records. Checks that they make sense together. */
	Status load(const format::Superblock &super) TBK_REQUIRES(lock_);

	/* For a restore: one after the other, by id; then link_parents(), before anything is changed. */
	Status load_record(const format::CatalogRecord &record) TBK_REQUIRES(lock_);
	Status link_parents() TBK_REQUIRES(lock_);
	/* Before link_parents(). */
	static u32 parent_id(const Volume &volume)
	{
		return static_cast<u32>(reinterpret_cast<unsigned long>(volume.parent));
	}
	void set_next_id(u32 id) TBK_REQUIRES(lock_) { next_id_ = id; }

	/* Of the records. */
	const Tree &tree() const TBK_REQUIRES(lock_) { return tree_; }

	/* NULL when there is none. Removed ones have no name. */
	Volume *find(const char *volume, const char *snapshot) const TBK_REQUIRES(lock_);
	Volume *find_id(u32 id) const TBK_REQUIRES(lock_);
	Volume *next(u32 after) const TBK_REQUIRES(lock_);
	/* By id; until one is added or removed. */
	Span<Volume *> all() const TBK_REQUIRES(lock_) { return { volumes_, count_ }; }

	/* A new one with the next id, not on disk until put(). */
	Result<Volume *> add() TBK_REQUIRES(lock_);
	/* Takes it out and frees it; its record goes with the next save. */
	void remove(Volume &volume) TBK_REQUIRES(lock_);

	/* Into the tree, as of now. Caller holds the volume's lock, or nobody else knows the volume. */
	Status put(const Volume &volume, Moment moment) TBK_REQUIRES(lock_);
	/* Records of removed ones out of the tree, and all sealed. */
	Status save(Moment moment, WriteList &list, format::Superblock &super) TBK_REQUIRES(lock_);

	/* Gives back what is kept ready for the next save. */
	void relax() TBK_REQUIRES(lock_) { editor_.relax(); }

	u32 next_id() const TBK_REQUIRES(lock_) { return next_id_; }
	u32 count() const TBK_REQUIRES(lock_) { return count_; }

private:
	static constexpr u32 record_words = sizeof(format::CatalogRecord) / 8;

	Status make_room() TBK_REQUIRES(lock_);
	Status load_leaf(const Node &leaf) TBK_REQUIRES(lock_);
	Status walk(const NodePointer &pointer) TBK_REQUIRES(lock_);
	Status check_merges() TBK_REQUIRES(lock_);
	u32 position_of(u32 id) const TBK_REQUIRES(lock_);
	Status edit(u32 id, const format::CatalogRecord *record, Moment moment) TBK_REQUIRES(lock_);

	Mutex lock_{ TBK_RANK_CATALOG };
	NodeCache &cache_;
	Space &space_;
	TreeEditor editor_;
	Tree tree_{ format::TreeKind::catalog, 0 };
	u32 next_id_ TBK_GUARDED_BY(lock_) = 1;

	Volume **volumes_ TBK_GUARDED_BY(lock_) = nullptr; /* ascending by id */
	u32 count_ TBK_GUARDED_BY(lock_) = 0;
	u32 room_ TBK_GUARDED_BY(lock_) = 0;

	u32 *removed_ TBK_GUARDED_BY(lock_) = nullptr; /* ids whose records are to go */
	u32 removed_count_ TBK_GUARDED_BY(lock_) = 0;
	u32 removed_room_ TBK_GUARDED_BY(lock_) = 0;

	u64 scratch_[(format::catalog_capacity + 1) * record_words] = {};
};

} // namespace thinback
