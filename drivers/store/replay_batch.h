/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/base/result.h>

#include "record_log.h"

namespace thinback {

/*
 * Changes of maps that are being replayed, some at a time, in the order of
 * trees rather than of time: a leaf is then come to once and not for each of
 * its records, of which a journal has a million. Where changes of one volume
 * overlap, they stay in the order in which they were made.
 */
class ReplayBatch {
public:
	struct Item {
		u32 id = 0;   /* of the volume */
		u32 made = 0; /* which one it was in the batch */
		u64 start = 0;
		Run run;

		u64 end() const { return start + run.count; }
	};
	static constexpr u32 most = 1u << 17;

	static Result<Owned<ReplayBatch>> create();
	~ReplayBatch();
	ReplayBatch(const ReplayBatch &) = delete;
	ReplayBatch &operator=(const ReplayBatch &) = delete;

	bool is_full() const { return count_ == most; }
	void add(u32 id, const MapChange &change);

	/* Then the items are read, and the batch is emptied. */
	void sort();
	u32 count() const { return count_; }
	const Item &operator[](u32 index) const { return items_[index]; }
	void clear() { count_ = 0; }

private:
	ReplayBatch() = default;
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	template <typename IsBefore> static void
	merge(const Item *left, const Item *middle, const Item *end, Item *to, IsBefore is_before);
	template <typename IsBefore> void sort(u32 from, u32 to, IsBefore is_before);
	u32 overlap_end(u32 from) const;

	u32 count_ = 0;
	Item *items_ = nullptr;
	Item *other_ = nullptr; /* as many, to sort with */
};

} // namespace thinback
