/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* One request for memory of tbk_alloc(), waited for. Returns 0 or a negative errno. */
int do_io(struct tbk_device &device, enum tbk_op op, u64 at, void *data, u64 bytes, u32 flags = 0);

} // namespace thinback
