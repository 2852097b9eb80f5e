// SPDX-License-Identifier: GPL-2.0
#include "replay_batch.h"

#include <thinback/platform.h>

namespace thinback {

Result<Owned<ReplayBatch>> ReplayBatch::create()
{
	Owned<ReplayBatch> batch = TBK_TRY(make<ReplayBatch>());

	batch->items_ = static_cast<Item *>(tbk_big_alloc(most * sizeof(Item)));
	batch->other_ = static_cast<Item *>(tbk_big_alloc(most * sizeof(Item)));
	if (!batch->items_ || !batch->other_)
		return Err::no_memory;
	return batch;
}

ReplayBatch::~ReplayBatch()
{
	tbk_big_free(items_);
	tbk_big_free(other_);
}

void ReplayBatch::add(u32 id, const MapChange &change)
{
	TBK_ASSERT(!is_full());
	items_[count_] = { id, count_, change.start, change.run };
	count_++;
}

/* Two sorted runs, one behind the other, become one in @to. */
template <typename IsBefore> void ReplayBatch::merge(const Item *left, const Item *middle,
						     const Item *end, Item *to, IsBefore is_before)
{
	const Item *right = middle;

	while (left < middle && right < end)
		*to++ = is_before(*right, *left) ? *right++ : *left++;
	while (left < middle)
		*to++ = *left++;
	while (right < end)
		*to++ = *right++;
}

/* Merges ever longer sorted runs, from one array to the other and back. Items alike stay in order. */
template <typename IsBefore> void ReplayBatch::sort(u32 from, u32 to, IsBefore is_before)
{
	const Item *source = items_;
	Item *target = other_;

	for (u32 width = 1; width < to - from; width *= 2) {
		for (u32 begin = from; begin < to; begin += 2 * width) {
			const u32 middle = min(begin + width, to);
			const u32 end = min(begin + 2 * width, to);

			merge(source + begin, source + middle, source + end, target + begin,
			      is_before);
		}
		source = target;
		target = target == items_ ? other_ : items_;
	}
	for (u32 i = from; source != items_ && i < to; i++)
		items_[i] = source[i];
}

/* Past the last item that overlaps, by way of others perhaps, the one at @from. */
u32 ReplayBatch::overlap_end(u32 from) const
{
	u64 end = items_[from].end();
	u32 i = from + 1;

	for (; i < count_; i++) {
		if (items_[i].id != items_[from].id || items_[i].start >= end)
			break;
		if (items_[i].end() > end)
			end = items_[i].end();
	}
	return i;
}

void ReplayBatch::sort()
{
	const auto is_left_of = [](const Item &a, const Item &b) {
		return a.id != b.id ? a.id < b.id : a.start < b.start;
	};
	const auto is_older = [](const Item &a, const Item &b) {
		return a.made < b.made;
	};

	sort(0, count_, is_left_of);
	for (u32 from = 0; from < count_;) {
		const u32 end = overlap_end(from);

		if (end - from > 1)
			sort(from, end, is_older);
		from = end;
	}
}

} // namespace thinback
