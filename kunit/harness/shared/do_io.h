/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* What is wanted of a device. */
struct Ask {
	enum tbk_op op = TBK_OP_READ;
	u64 at = 0;	      /* in bytes */
	void *data = nullptr; /* of tbk_alloc() */
	u64 bytes = 0;
	u32 flags = 0; /* TBK_IO_* */
};

/* Makes one request and waits for it. Returns 0 or a negative errno. */
int do_io(struct tbk_device &device, const Ask &ask);

} // namespace thinback
