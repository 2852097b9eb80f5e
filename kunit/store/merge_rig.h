/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "../../drivers/store/merger.h"
#include "tree_audit.h"

namespace thinback {

/*
 * Three generations of a volume's tree: `old`, a snapshot; `from`, a later one,
 * that nobody needs any more; `into`, the volume, of which is known where each
 * block should be.
 */
class MergeRig {
public:
	static constexpr u32 space_blocks = 6000; /* of the volume */

	static Result<Owned<MergeRig>> create();
	~MergeRig();
	MergeRig(const MergeRig &) = delete;
	MergeRig &operator=(const MergeRig &) = delete;

	/* The volume changes: one block, or a few at random places. */
	Status map(u64 at, u32 count);
	Status unmap(u64 at, u64 count);
	Status change(u32 times);
	/* As the volume is now, it is left to @snapshot. */
	void leave_to(Tree &snapshot, Usage &usage);

	bool is_done() const { return into.merged() == format::end_of_keys; }
	Status step();
	/* `from` is no more. */
	void finish();
	/* What is in memory alone is lost; all that was done before is not. */
	Status reopen();
	/* Every block in use is somebody's, and nobody else's; nothing of `into` has moved. */
	void audit(struct kunit *test);
	/* Frees all that is left. */
	void check_empties(struct kunit *test);

	Owned<SmallPool> pool;
	Random random;
	Tree old{ format::TreeKind::extents, 1 };
	Tree from{ format::TreeKind::extents, 2 };
	Tree into{ format::TreeKind::extents, 3 };
	Usage old_usage;
	Usage from_usage;
	Usage usage;

private:
	MergeRig() = default;
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);
	Status make_editors();
	void check_content(struct kunit *test);

	u32 *targets_ = nullptr; /* 0: a hole */
	Home home_;
	Owned<ExtentEditor> editor_;
	Owned<Merger> merger_;
	bool is_finished_ = false;
};

} // namespace thinback
