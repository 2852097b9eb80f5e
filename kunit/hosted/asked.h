/* SPDX-License-Identifier: GPL-2.0 */
/* Requests on a volume: made and waited for, or under way while the test goes on. */
#pragma once

#include <thinback/base/container.h>
#include <thinback/entry.h>

#include "../../drivers/hosted/hosted.h"

namespace thinback {

struct WaitedRequest {
	struct tbk_request request {};
	struct tbk_wait wait {};
	int is_done = 0;

	static void done(struct tbk_request *request)
	{
		WaitedRequest &self = container_of<&WaitedRequest::request>(request);

		self.is_done = 1;
		tbk_wake(&self.wait);
	}
	static int is_over(void *self) { return static_cast<WaitedRequest *>(self)->is_done; }
};

/* On whole blocks; returns when it is done, with its error. */
inline int ask_volume(struct tbk_volume *volume, u32 op, u64 block, u64 count,
		      const struct tbk_payload &payload)
{
	WaitedRequest asked;

	tbk_wait_init(&asked.wait);
	asked.request.op = op;
	asked.request.sector = block * (TBK_BLOCK / 512);
	asked.request.bytes = count * TBK_BLOCK;
	asked.request.payload = payload;
	asked.request.done = WaitedRequest::done;
	tbk_volume_submit(volume, &asked.request);
	tbk_wait_until(&asked.wait, WaitedRequest::is_over, &asked);
	return asked.request.error;
}

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
