/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "small_pool.h"

struct kunit;

namespace thinback {

/*
 * Walks trees as they are in memory and fails the test where one is not as it
 * should be. Ancestors first: what a tree owns must not have been seen before.
 */
class TreeAudit {
public:
	/* Called for each leaf, from the left. */
	struct Visitor {
		void (*leaf)(void *context, const Node &leaf) = nullptr;
		void *context = nullptr;
	};

	TreeAudit(struct kunit *kunit, SmallPool &pool);
	~TreeAudit();
	TreeAudit(const TreeAudit &) = delete;
	TreeAudit &operator=(const TreeAudit &) = delete;

	void look_at(const Tree &tree, Visitor visitor);
	void look_at(const Tree &tree) { look_at(tree, Visitor()); }
	/* A snapshot's that is being merged into its child: what it has from @from on. */
	void look_at_rest(const Tree &tree, u64 from);
	/* All blocks in use are those seen; @held are taken and not in use. */
	void check_all_seen(u64 held = 0);

	/* Of the last tree: */
	u64 nodes = 0;
	u64 records = 0;
	u64 mapped = 0;
	u64 own = 0;
	u64 taken_over = 0; /* blocks that were its parent's, which is merged so far */

	u64 seen = 0; /* blocks, of all trees */

	struct kunit *const test; /* as CHECK() wants it */

private:
	struct Range {
		u64 low;
		u64 high;
	};

	void walk(const NodePointer &pointer, Range range);
	void check_header(const Node &node, const NodePointer &pointer, Range range);
	void check_keys(const Node &node);
	void check_extents(const Node &leaf);
	void mark(u64 start, u64 count, bool is_own);

	SmallPool &pool_;
	u64 *const seen_;
	const Tree *tree_ = nullptr;
	u64 from_ = 0;
	Visitor visitor_;
};

} // namespace thinback
