// SPDX-License-Identifier: GPL-2.0
#include "tree_builder.h"

namespace thinback {
namespace {

constexpr NodeLayout layout = layout_of(format::TreeKind::extents, 0);

constexpr u64 start_of(const u64 *record)
{
	return record[0] >> 24;
}

constexpr u64 end_of(const u64 *record)
{
	return start_of(record) + (record[0] & format::max_extent);
}

/* As much of an extent as lies from @start up to @end. */
void cut(u64 *to, const u64 *record, u64 start, u64 end)
{
	const bool is_data = record[1] >> 48 == static_cast<u64>(format::ExtentState::data);

	to[1] = record[1] + (is_data ? start - start_of(record) : 0);
	to[2] = record[2];
	to[0] = start << 24 | (end - start);
}

} // namespace

void TreeBuilder::push(const u64 *record, u64 start, u64 end)
{
	if (start >= end)
		return;
	TBK_ASSERT(count_ < room);
	cut(&records_[count_++ * 3], record, start, end);
}

/* Of the opened leaf's records what lies in @part. */
void TreeBuilder::keep(u32 index, Range part)
{
	const Node &leaf = editor_.leaf();
	const u64 record[] = { leaf.word(layout, index, 0), leaf.word(layout, index, 1),
			       leaf.word(layout, index, 2) };
	const u64 start = start_of(record);
	const u64 end = end_of(record);

	push(record, start > part.low ? start : part.low, end < part.high ? end : part.high);
}

/* Of new records what lies before @end; returns how many are done with. */
u32 TreeBuilder::put(u64 *records, u32 count, u64 end)
{
	u32 done = 0;

	for (; done < count && end_of(records + done * 3) <= end; done++)
		push(records + done * 3, start_of(records + done * 3), end_of(records + done * 3));
	if (done < count && start_of(records + done * 3) < end) {
		u64 *record = records + done * 3;

		push(record, start_of(record), end);
		cut(record, record, end, end_of(record));
	}
	return done;
}

Status TreeBuilder::replace(Tree &tree, Range range, u64 *records, u32 count, Moment moment)
{
	u32 done = 0;

	TBK_ASSERT(count <= most_records);
	while (range.low < range.high && (done < count || !tree.is_empty())) {
		TBK_TRY(editor_.open(tree, range.low, moment, true));
		const u64 end = range.high < editor_.high() ? range.high : editor_.high();
		const u32 old = editor_.leaf().count();

		count_ = 0;
		for (u32 i = 0; i < old; i++)
			keep(i, { 0, range.low });
		done += put(records + done * 3, count - done, end);
		for (u32 i = 0; i < old; i++)
			keep(i, { end, format::end_of_keys });
		editor_.store(records_, count_);
		editor_.close();
		range.low = end;
	}
	return {};
}

} // namespace thinback
