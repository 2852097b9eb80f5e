/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

/* Calls a function at the end of the block, unless dismissed. */
template <typename Fn> class [[nodiscard]] ScopeGuard {
public:
	explicit ScopeGuard(Fn fn) : fn_(move(fn)) {}
	~ScopeGuard()
	{
		if (armed_)
			fn_();
	}
	ScopeGuard(const ScopeGuard &) = delete;
	ScopeGuard &operator=(const ScopeGuard &) = delete;

	void dismiss() { armed_ = false; }

private:
	Fn fn_;
	bool armed_ = true;
};

/* auto undo = defer([&] { ... }); */
template <typename Fn> ScopeGuard<Fn> defer(Fn fn)
{
	return ScopeGuard<Fn>(move(fn));
}

} // namespace thinback
