/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <functional>
#include <vector>

#include <thinback/base/atomic.h>
#include <thinback/entry.h>

#include "ledger.h"

namespace thinback::crash {

/* One request at a time, waited for. */
class VolumeReader {
public:
	VolumeReader();

	/* Calls @visit(sector, its bytes) for each sector, until it says false. 0 or a negative errno. */
	int read_all(struct tbk_pool *pool, const Shape &shape,
		     const std::function<bool(u64 sector, const u8 *bytes)> &visit);
	/* @bytes into, or out of, @buffer. */
	int ask(struct tbk_volume *volume, u32 op, u64 sector, void *buffer, u64 bytes);

private:
	struct Request {
		struct tbk_request request; /* first: found from it */
		VolumeReader *reader;
	};

	int read_open(struct tbk_volume *volume, u64 sectors,
		      const std::function<bool(u64 sector, const u8 *bytes)> &visit);

	Request request_{};
	Atomic<u8> done_;
	struct tbk_wait wait_ {};
	std::vector<u8> buffer_;
};

} // namespace thinback::crash
