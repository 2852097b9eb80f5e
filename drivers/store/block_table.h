/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/result.h>
#include <thinback/platform.h>

namespace thinback {

/* Things found by their member `block`, which is not 0. */
template <typename T> class BlockTable {
public:
	BlockTable() = default;
	~BlockTable() { tbk_big_free(table_); }
	BlockTable(const BlockTable &) = delete;
	BlockTable &operator=(const BlockTable &) = delete;

	/* In place of one with the same block. */
	Status add(const T &item)
	{
		if (2 * (count_ + 1) > room_)
			TBK_TRY(grow());
		T &place = place_of(table_, room_, item.block);

		count_ += place.block == 0;
		place = item;
		return {};
	}

	/* NULL when there is none. Until the next add(). */
	T *find(u64 block) const
	{
		if (room_ == 0 || block == 0)
			return nullptr;
		T &place = place_of(table_, room_, block);

		return place.block ? &place : nullptr;
	}

	u64 count() const { return count_; }

	/* Calls visit(item) for all, in no order. */
	template <typename Visit> void each(Visit visit) const
	{
		for (u64 i = 0; i < room_; i++) {
			if (table_[i].block)
				visit(table_[i]);
		}
	}

	void clear()
	{
		tbk_big_free(table_);
		table_ = nullptr;
		room_ = 0;
		count_ = 0;
	}

private:
	static T &place_of(T *table, u64 room, u64 block)
	{
		u64 place = (block * 0x9e3779b97f4a7c15ull >> 20) & (room - 1);

		while (table[place].block && table[place].block != block)
			place = (place + 1) & (room - 1);
		return table[place];
	}

	/* Twice the room, and all put again. */
	Status grow()
	{
		const u64 wanted = room_ ? 2 * room_ : 1024;
		auto *bigger = static_cast<T *>(tbk_big_alloc(wanted * sizeof(T)));

		if (!bigger)
			return Err::no_memory;
		each([&](const T &item) { place_of(bigger, wanted, item.block) = item; });
		tbk_big_free(table_);
		table_ = bigger;
		room_ = wanted;
		return {};
	}

	T *table_ = nullptr;
	u64 room_ = 0; /* a power of two, or 0 */
	u64 count_ = 0;
};

} // namespace thinback
