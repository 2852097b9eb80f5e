// SPDX-License-Identifier: GPL-2.0
#include "replay_batch.h"

#include <thinback/platform.h>

namespace thinback {

namespace {

bool is_left_of(const ReplayBatch::Item &a, const ReplayBatch::Item &b)
{
	return a.id != b.id ? a.id < b.id : a.start < b.start;
}

bool is_older(const ReplayBatch::Item &a, const ReplayBatch::Item &b)
{
	return a.made < b.made;
}

} // namespace

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

void ReplayBatch::add(Volume &volume, u32 id, const MapChange &change)
{
	TBK_ASSERT(!is_full());
	items_[count_] = { &volume, id, count_, change.start, change.run };
	count_++;
}

/* Merges ever longer sorted runs, from one array to the other and back. */
void ReplayBatch::sort(u32 from, u32 to, IsBefore is_before)
{
	for (u32 width = 1; width < to - from; width *= 2) {
		for (u32 begin = from; begin < to; begin += 2 * width) {
			const u32 middle = begin + width < to ? begin + width : to;
			const u32 end = begin + 2 * width < to ? begin + 2 * width : to;
			u32 left = begin;
			u32 right = middle;

			for (u32 i = begin; i < end; i++) {
				const bool is_right =
					left == middle ||
					(right < end && is_before(items_[right], items_[left]));

				other_[i] = items_[is_right ? right++ : left++];
			}
		}
		for (u32 i = from; i < to; i++)
			items_[i] = other_[i];
	}
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
	sort(0, count_, is_left_of);
	for (u32 from = 0; from < count_;) {
		const u32 end = overlap_end(from);

		if (end - from > 1)
			sort(from, end, is_older);
		from = end;
	}
}

} // namespace thinback
