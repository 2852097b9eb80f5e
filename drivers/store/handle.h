/* SPDX-License-Identifier: GPL-2.0 */
/* What entry.h's pointers point to. */
#pragma once

#include "pool.h"

struct tbk_pool {
	thinback::Owned<thinback::Pool> pool;
};

struct tbk_volume {
	thinback::Pool *pool = nullptr;
	thinback::Volume *volume = nullptr;
	bool read_only = false;
	thinback::Atomic<thinback::u8> leaving; /* its writes do not wait for space any more */
};
