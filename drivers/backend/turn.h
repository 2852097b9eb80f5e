/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

/*
 * What is done for one ring before others have the CPU: about a millisecond,
 * counted in pages, whatever the guest asks for. What is left over is come
 * back to; what is begun is ended, so it may be a request, or a round of answers, more.
 */
class Turn {
public:
	/* Of a request, besides its pages; and of a batch, however small. */
	static constexpr u32 of_request = 1;
	static constexpr u32 of_batch = 32;

	bool is_over() const { return left_ == 0; }
	/* So many more requests, at the most. */
	u32 left() const { return left_; }
	void spend(u32 work) { left_ -= min(left_, work); }

private:
	u32 left_ = 512;
};

} // namespace thinback
