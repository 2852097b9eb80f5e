// SPDX-License-Identifier: GPL-2.0
/* The part of Space that a scrub asks: what should be on the device, and to write it there anew. */
#include "space.h"

namespace thinback {

/* Summaries that were written, and bitmaps: about, as a checkpoint may be at it. */
u64 Space::written() const
{
	const u64 groups = geometry().groups();
	u64 count = 0;
	bool is_summary = false;

	for (u64 g = 0; g < groups; g++) {
		const u64 before = count;

		if (g % format::groups_per_summary == 0)
			is_summary = false;
		for (const le16 &tag : entry(g).summary.bitmap)
			count += tag.get_relaxed() != 0;
		count += count != before && !is_summary;
		is_summary |= count != before;
	}
	return count;
}

bool Space::has_bitmaps(u64 group) const
{
	return entry(group).group.load_acquire() != nullptr;
}

bool Space::agrees(u64 index, u32 i, u64 checkpoint, const u8 *bits) const
{
	Group *group = entry(index).group.load_acquire();

	if (!group)
		return true;
	MutexGuard guard(group->lock());

	return group->agrees(checkpoint, i, bits);
}

void Space::renew_bitmap(u64 index, u32 i)
{
	Group *group = entry(index).group.load_acquire();

	if (!group)
		return;
	MutexGuard guard(group->lock());

	group->renew(i);
}

void Space::renew_summary(u64 index)
{
	entries_[index].load_acquire()->renew.store_relaxed(1);
}

} // namespace thinback
