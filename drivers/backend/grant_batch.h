/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/xen_entry.h>

namespace thinback {

/* Collects grants and hands them on TBK_GRANT_BATCH at a time, the rest at the end of the block. */
template <typename Fn> class GrantBatch {
public:
	/* @room: for TBK_GRANT_BATCH. */
	GrantBatch(struct tbk_grant **room, Fn hand_on) : room_(room), hand_on_(hand_on) {}
	~GrantBatch() { flush(); }
	GrantBatch(const GrantBatch &) = delete;
	GrantBatch &operator=(const GrantBatch &) = delete;

	void add(struct tbk_grant &grant)
	{
		room_[count_++] = &grant;
		if (count_ == TBK_GRANT_BATCH)
			flush();
	}

private:
	void flush()
	{
		if (count_)
			hand_on_(room_, count_);
		count_ = 0;
	}

	struct tbk_grant **room_;
	u32 count_ = 0;
	Fn hand_on_;
};

} // namespace thinback
