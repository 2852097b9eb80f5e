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
		return add(item, [](const T &) { return true; });
	}

	/* When there is no room, those go for which is_kept(item) is false. */
	template <typename Kept> Status add(const T &item, Kept is_kept)
	{
		if (2 * (count_ + 1) > room_)
			TBK_TRY(make_room(is_kept));
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

	/* What is kept is put again: into twice the room, if it fills more than half of what may be filled. */
	template <typename Kept> Status make_room(Kept is_kept)
	{
		u64 kept = 0;

		each([&](const T &item) { kept += is_kept(item); });
		const u64 wanted = room_ == 0 ? 1024 : 4 * kept > room_ ? 2 * room_ : room_;
		auto *table = static_cast<T *>(tbk_big_alloc(wanted * sizeof(T)));

		if (!table)
			return Err::no_memory;
		each([&](const T &item) {
			if (is_kept(item))
				place_of(table, wanted, item.block) = item;
		});
		tbk_big_free(table_);
		table_ = table;
		room_ = wanted;
		count_ = kept;
		return {};
	}

	T *table_ = nullptr;
	u64 room_ = 0; /* a power of two, or 0 */
	u64 count_ = 0;
};

} // namespace thinback
