// SPDX-License-Identifier: GPL-2.0
/* The part of a CheckedCatalog that puts parents before children. */
#include "check_catalog.h"

namespace thinback {

/* By id where that does not matter: there is one order only. */
bool CheckedCatalog::is_before(u32 a, u32 b) const
{
	return trees_[a].since() != trees_[b].since() ? trees_[a].since() < trees_[b].since()
						      : a < b;
}

void CheckedCatalog::sift_down(u32 at, u32 end)
{
	for (;;) {
		u32 child = 2 * at + 1;

		if (child >= end)
			return;
		if (child + 1 < end && is_before(order_[child], order_[child + 1]))
			child++;
		if (!is_before(order_[at], order_[child]))
			return;
		const u32 held = order_[at];

		order_[at] = order_[child];
		order_[child] = held;
		at = child;
	}
}

/* By `since`: a child's is its parent's generation, and that is more than the parent's own. */
void CheckedCatalog::sort()
{
	for (u32 i = 0; i < count_; i++)
		order_[i] = i;
	for (u32 i = count_ / 2; i > 0; i--)
		sift_down(i - 1, count_);
	for (u32 end = count_; end > 1; end--) {
		const u32 held = order_[0];

		order_[0] = order_[end - 1];
		order_[end - 1] = held;
		sift_down(0, end - 1);
	}
}

/* Out of an order in which parents come before children. */
void CheckedCatalog::gather_families()
{
	u32 next = 0;

	/* How many each is, with all that descends from it. */
	for (u32 i = count_; i > 0; i--) {
		CheckedTree &tree = trees_[order_[i - 1]];

		tree.end++;
		if (tree.parent)
			tree.parent->end += tree.end;
	}
	/* Until all of them have their places, `end` is where the next child begins. */
	for (u32 i = 0; i < count_; i++) {
		CheckedTree &tree = trees_[order_[i]];
		u32 &from = tree.parent ? tree.parent->end : next;
		const u32 size = tree.end;

		tree.place = from;
		from += size;
		tree.end = tree.place + 1;
	}
	for (u32 i = 0; i < count_; i++)
		families_[trees_[i].place] = i;
}

} // namespace thinback
