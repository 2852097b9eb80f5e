/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "check.h"

namespace thinback {

/*
 * What is known of the range of a leaf that cannot be read: what younger trees
 * have inherited from there must have been in it. All else is lost. Makes the
 * records of the leaf, or of the leaves, that take its place.
 */
class LostRange {
public:
	static Result<Owned<LostRange>> create(NodeReader &reader, const Survey &survey);
	~LostRange();
	LostRange(const LostRange &) = delete;
	LostRange &operator=(const LostRange &) = delete;

	/* From @low up to @high, of @owner, in extents born at @birth. unsupported if there are too many. */
	Status fill(const CheckedTree &owner, u64 low, u64 high, u64 birth);

	u32 count() const { return count_; }
	const format::Extent &extent(u32 index) const { return extents_[index]; }

private:
	static constexpr u32 most = 3 * format::extent_capacity;

	LostRange(NodeReader &reader, const Survey &survey) : reader_(reader), survey_(survey) {}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	Status collect(const NodePointer &pointer, u64 low, u64 high);
	Status collect_leaf(const Node &leaf);
	Status insert(u64 start, u64 end, const format::Extent &of);
	Status insert_at(u32 at, const format::Extent &extent);
	Status fill_gaps(u64 birth);
	Status fill_gap(u32 &at, u64 start, u64 end, u64 birth);

	NodeReader &reader_;
	const Survey &survey_;
	u8 *images_ = nullptr; /* one for each level */
	format::Extent *extents_ = nullptr;
	u32 count_ = 0;
	u64 low_ = 0;
	u64 high_ = 0;
	u64 generation_ = 0; /* of the owner: what is born later never was in it */
};

} // namespace thinback
