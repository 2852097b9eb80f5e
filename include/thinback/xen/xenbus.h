/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace thinback::xen {

/* What the `state` key of either end says. A guest may write any number at all there. */
enum class State : u32 {
	unknown = 0, /* or the key is gone */
	initialising = 1,
	init_wait = 2,
	initialised = 3,
	connected = 4,
	closing = 5,
	closed = 6,
};

} // namespace thinback::xen
