/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/result.h>

namespace thinback {

/*
 * Tells when all requests have ended that may have looked up a mapping before
 * it was changed. Requests write only memory of their own CPU.
 */
class Epochs {
public:
	Epochs() = default;
	Epochs(const Epochs &) = delete;
	Epochs &operator=(const Epochs &) = delete;

	Status init();
	void destroy();

	/* Before the lookup; what it returns belongs to leave(), from any context. */
	u32 enter();
	void leave(u32 side);

	/* Sleeps until all who are inside now have left. One at a time. */
	void drain();

private:
	struct tbk_gate gates_[2] = {};
	Atomic<u32> side_;
};

} // namespace thinback
