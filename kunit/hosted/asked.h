/* SPDX-License-Identifier: GPL-2.0 */
/* A request on a volume that is under way while the test goes on. */
#pragma once

#include <thinback/entry.h>

#include "../../drivers/hosted/hosted.h"

namespace thinback {

/* Of one block at most. Stays where it is until it is done. */
struct Asked {
	struct tbk_request request {}; /* first: found from it */
	u8 bytes[TBK_BLOCK] = {};
	bool is_done = false;

	void submit(struct tbk_volume *volume, u32 op, u64 sector, u64 count)
	{
		request.op = op;
		request.sector = sector;
		request.bytes = count;
		if (op == TBK_OP_READ || op == TBK_OP_WRITE)
			request.payload = { bytes, TBK_PAYLOAD_BUFFER, 0, count };
		request.done = [](struct tbk_request *done) {
			reinterpret_cast<Asked *>(done)->is_done = true;
		};
		tbk_volume_submit(volume, &request);
	}

	int wait() const
	{
		while (!is_done)
			hosted_sleep_ms(1);
		return request.error;
	}
};

} // namespace thinback
