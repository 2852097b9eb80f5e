/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/dump_entry.h>

#include "check_catalog.h"
#include "pool.h"
#include "tree_builder.h"

namespace thinback {

/*
 * A pool made of what a dump tells, on a device of its own; what has become of
 * it is then copied to where the data lies. All is told twice: first it is taken
 * which blocks hold data, then trees are built of what is left.
 */
class Restore {
public:
	explicit Restore(struct tbk_scratch &scratch) : scratch_(scratch) {}
	Restore(const Restore &) = delete;
	Restore &operator=(const Restore &) = delete;

	Status begin(const struct tbk_dump_pool &told, u32 flags, Why *why);
	Status add(const struct tbk_dump_object &told, Why *why);
	Status tree(u32 id, Why *why);
	Status extent(const struct tbk_dump_extent &told, Why *why);
	Status again(Why *why);
	Status check(struct tbk_check *listener, Why *why);
	/* restore_write.cc */
	Status write(struct tbk_device &device, Why *why);

private:
	/* What a check of the result says first. */
	struct Finding {
		struct tbk_check check;
		struct tbk_check *listener;
		char text[CheckReport::text_size];
	};

	static void found(struct tbk_check *check, enum tbk_finding_class kind, const char *text);
	static void progress(struct tbk_check *check, u64 done, u64 total);

	Status make_empty(const struct tbk_dump_pool &told);
	Status link(Why *why);
	Status end_trees(Why *why);
	Status close();
	static TreeName name_of(const Volume &volume);
	static Status refuse(Why *why, const Volume &volume, const char *what);

	/* restore_tree.cc */
	Status end_tree();
	const char *fault_of(const struct tbk_dump_extent &told) const;
	Status claim(const struct tbk_dump_extent &told, Why *why);
	Status put(const struct tbk_dump_extent &told);
	Status put_lost(const struct tbk_dump_extent &told);
	Status put_record(const struct tbk_dump_extent &told);
	Status flush(u64 end);
	Status relieve();
	Status refuse_extent(Why *why, const struct tbk_dump_extent &told, const char *what) const;

	/* restore_write.cc */
	Status wipe_rings(struct tbk_device &device, u8 *zeroes);
	Status wipe_journal(struct tbk_device &device, u8 *zeroes);
	Status copy_blocks(struct tbk_device &device, u8 *buffer);

	struct tbk_scratch &scratch_;
	Owned<Pool> pool_;
	Owned<TreeBuilder> builder_;
	format::Superblock super_{};
	u32 flags_ = 0;
	u32 objects_ = 0;
	u32 trees_ = 0; /* told this time */
	bool is_linked_ = false;
	bool is_again_ = false;
	bool has_lost_ = false;

	/* The tree at hand. */
	Volume *volume_ = nullptr;
	u64 newest_ = 0; /* generation */
	u64 end_ = 0;	 /* of what was told */
	u64 built_ = 0;	 /* up to here it is as it should be */
	u32 count_ = 0;
	u64 records_[TreeBuilder::most_records * 3] = {};
};

} // namespace thinback
