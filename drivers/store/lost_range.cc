// SPDX-License-Identifier: GPL-2.0
#include "lost_range.h"

namespace thinback {
namespace {

constexpr u64 data_state = static_cast<u64>(format::ExtentState::data);
constexpr u64 lost_target = static_cast<u64>(format::ExtentState::lost) << 48;

u64 start_of(const format::Extent &extent)
{
	return extent.place.get() >> 24;
}

u64 end_of(const format::Extent &extent)
{
	return start_of(extent) + (extent.place.get() & format::max_extent);
}

bool descends_from(const CheckedTree &tree, const CheckedTree &elder)
{
	for (const CheckedTree *up = tree.parent; up; up = up->parent) {
		if (up == &elder)
			return true;
	}
	return false;
}

} // namespace

Result<Owned<LostRange>> LostRange::create(NodeReader &reader, const Survey &survey)
{
	Owned<LostRange> range = TBK_TRY(make<LostRange>(reader, survey));

	range->images_ = static_cast<u8 *>(tbk_big_alloc(format::max_height * format::block_size));
	range->extents_ =
		static_cast<format::Extent *>(tbk_big_alloc(most * sizeof(format::Extent)));
	if (!range->images_ || !range->extents_)
		return Err::no_memory;
	return range;
}

LostRange::~LostRange()
{
	tbk_big_free(images_);
	tbk_big_free(extents_);
}

Status LostRange::fill(const CheckedTree &owner, u64 low, u64 high, u64 birth)
{
	count_ = 0;
	low_ = low;
	high_ = min(high, owner.record.size.get());
	generation_ = owner.generation();
	/* What lies past the end alone still has to be something. */
	if (low_ >= high_)
		high_ = low_ + 1;
	for (u32 i = 0; i < survey_.catalog.count() && owner.children > 0; i++) {
		const CheckedTree &tree = survey_.catalog.in_order(i);

		if (descends_from(tree, owner))
			TBK_TRY(collect(read_root(tree.record.root), 0, format::end_of_keys));
	}
	return fill_gaps(birth);
}

/* What the owner may have as a node leads to the lost one, or not into its range. */
Status LostRange::collect(const NodePointer &pointer, u64 low, u64 high)
{
	if (pointer.block == 0 || pointer.birth <= generation_ || high <= low_ || low >= high_)
		return {};
	if (pointer.level >= format::max_height)
		return {};
	u8 *image = images_ + pointer.level * format::block_size;

	if (!reader_.read(pointer, format::TreeKind::extents, image).is_ok())
		return {};
	const Node node(pointer.block, image);

	if (node.level() == 0)
		return collect_leaf(node);
	for (u32 i = 0; i < node.count(); i++) {
		const u64 from = i == 0 ? low : node.key(node.layout(), i);
		const u64 to = i + 1 < node.count() ? node.key(node.layout(), i + 1) : high;

		TBK_TRY(collect(node.pointer(i), from, to));
	}
	return {};
}

Status LostRange::collect_leaf(const Node &leaf)
{
	const auto *extents = reinterpret_cast<const format::Extent *>(leaf.image() +
								       sizeof(format::BlockHeader));

	for (u32 i = 0; i < leaf.count(); i++) {
		const u64 start = max(start_of(extents[i]), low_);
		const u64 end = min(end_of(extents[i]), high_);

		if (start < end && extents[i].birth.get() <= generation_ &&
		    extents[i].target.get() >> 48 == data_state)
			TBK_TRY(insert(start, end, extents[i]));
	}
	return {};
}

/* The part of @of from @start up to @end, where nothing is yet: others have inherited the same. */
Status LostRange::insert(u64 start, u64 end, const format::Extent &of)
{
	u32 at = 0;

	while (start < end) {
		while (at < count_ && end_of(extents_[at]) <= start)
			at++;
		const u64 next = at < count_ ? start_of(extents_[at]) : end;

		if (next <= start) {
			start = end_of(extents_[at]);
			continue;
		}
		const u64 count = min(next, end) - start;
		format::Extent part = of;

		part.place.set(start << 24 | count);
		part.target.set(of.target.get() + (start - start_of(of)));
		TBK_TRY(insert_at(at, part));
		start += count;
	}
	return {};
}

Status LostRange::insert_at(u32 at, const format::Extent &extent)
{
	if (count_ == most)
		return Err::unsupported;
	__builtin_memmove(&extents_[at + 1], &extents_[at], (count_ - at) * sizeof(extent));
	extents_[at] = extent;
	count_++;
	return {};
}

Status LostRange::fill_gap(u32 &at, u64 start, u64 end, u64 birth)
{
	while (start < end) {
		const u64 count = min<u64>(end - start, format::max_extent);
		format::Extent lost{};

		lost.place.set(start << 24 | count);
		lost.target.set(lost_target);
		lost.birth.set(birth);
		TBK_TRY(insert_at(at, lost));
		at++;
		start += count;
	}
	return {};
}

Status LostRange::fill_gaps(u64 birth)
{
	u64 from = low_;

	for (u32 at = 0; at < count_; at++) {
		const u64 next = start_of(extents_[at]);

		TBK_TRY(fill_gap(at, from, next, birth));
		from = end_of(extents_[at]);
	}
	u32 end = count_;

	return fill_gap(end, from, high_, birth);
}

} // namespace thinback
