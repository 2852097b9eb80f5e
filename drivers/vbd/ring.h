/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/types.h>
#include <thinback/xen/blkif.h>

namespace thinback {

/*
 * A request as the guest wrote it, copied to where the guest cannot change it
 * any more. Nothing is checked yet: each field may hold anything.
 */
struct RawRequest {
	u8 operation = 0;
	u8 indirect_operation = 0;
	u8 flag = 0;	       /* of a discard */
	u16 segment_count = 0; /* as claimed, not as there is room for */
	u64 id = 0;
	u64 sector = 0;
	u64 sector_count = 0; /* of a discard */
	xen::WireSegment segments[xen::max_segments]{};
	u32 indirect_grants[xen::max_indirect_pages]{};
};

/* Whether the frontend keeps to the rules of the indices, and what it waits for. */
struct Demand {
	bool is_sane = false;
	u32 requests = 0;
};

/*
 * Our end of a ring. Takes each byte of a request out of the shared memory
 * once; keeps its own indices and never reads them back.
 *
 * Two sides that may be at work at the same time, one caller each: demand(),
 * take() and arm() consume requests; respond() and publish() answer them.
 */
class BackRing {
public:
	BackRing() = default;

	/*
	 * Joins @pages of mapped memory at @shared where the backend before us
	 * left off. False if the indices make no sense; the ring is unusable then.
	 */
	bool attach(void *shared, u32 pages, xen::Abi abi);

	u32 slots() const { return slots_; }

	/* Looks at what the frontend has put; do not use the ring any more unless it is sane. */
	Demand demand() const;

	/* Copies the next request out. Only as often as demand() said. */
	void take(RawRequest &request);

	/* The request that take() returned last is to come again. Nobody has answered it. */
	void put_back() { taken_--; }

	/* Asks for an event on the next request. True if one came meanwhile: look again. */
	bool arm();

	/* Writes a response; the frontend sees it after publish(). */
	void respond(u64 id, u8 operation, xen::Reply reply);

	/* Shows the frontend all responses. True if it wants an event. */
	bool publish();

private:
	u8 *slot(u32 index) const;

	xen::RingHead *head_ = nullptr;
	u32 slots_ = 0;
	xen::Abi abi_ = xen::Abi::native;
	u32 taken_ = 0;	      /* requests */
	Atomic<u32> written_; /* responses, published or not; the consuming side looks at it */
	u32 published_ = 0;   /* responses the frontend can see */
};

} // namespace thinback
