// SPDX-License-Identifier: GPL-2.0
/*
 * A ring full of anything: what passes the checks lies within the disk and
 * within the pages, and the answers land in their slots and nowhere else.
 */
#include <stdint.h>
#include <string.h>

#include <thinback/platform.h>

#include "../../drivers/vbd/request.h"
#include "../../drivers/vbd/ring.h"

using namespace thinback;

namespace {

/* Behind the ring, to see what is written beyond its end. */
constexpr size_t guard_size = 256;
constexpr u8 guard_byte = 0x5a;
constexpr size_t control_size = 16;

struct Control {
	u8 abi;
	u8 order;
	u8 flags;
	u8 unused;
	u32 disk_sectors;
	u32 start;
	u32 requests;
};
static_assert(sizeof(Control) == control_size);

constexpr size_t ring_size(size_t pages)
{
	return pages * xen::page_size;
}

void check_segments(const Request &request)
{
	u64 sectors = 0;

	TBK_ASSERT(request.segment_count <=
		   (request.is_indirect ? xen::max_indirect_segments : xen::max_segments));
	for (u32 i = 0; i < request.segment_count; i++) {
		const Segment &segment = request.segments[i];

		TBK_ASSERT(segment.length > 0 && segment.length % 512 == 0);
		TBK_ASSERT(segment.offset + segment.length <= static_cast<int>(xen::page_size));
		sectors += segment.length / 512;
	}
	TBK_ASSERT(sectors == request.sectors);
}

void check_sound(const Request &request, const DiskLimits &limits)
{
	TBK_ASSERT(!request.is_barrier || limits.has_barrier);
	if (request.operation == Operation::discard)
		TBK_ASSERT(limits.has_discard && request.segment_count == 0);
	else
		check_segments(request);
	if (request.operation == Operation::flush) {
		TBK_ASSERT(request.segment_count == 0);
		return;
	}
	TBK_ASSERT(request.sectors > 0 && request.sectors <= limits.sectors);
	TBK_ASSERT(request.sector <= limits.sectors - request.sectors);
	TBK_ASSERT(request.sector % limits.block_sectors == 0);
	TBK_ASSERT(!limits.is_read_only || request.operation == Operation::read);
}

/* What the page that lists a request's segments says: anything, too. */
Refusal check_list(const u8 *said, const DiskLimits &limits, Request &request)
{
	xen::WireSegment list[xen::max_indirect_segments];

	memcpy(list, said, request.segment_count * sizeof(list[0]));
	return check_segments(list, limits, request);
}

/* @said: a page of anything. */
void answer_all(BackRing &ring, const DiskLimits &limits, u32 requests, const u8 *said)
{
	for (u32 i = 0; i < requests; i++) {
		RawRequest raw;
		Request request;

		ring.take(raw);
		Refusal refusal = check_request(raw, limits, request);

		if (refusal == Refusal::none && request.is_indirect)
			refusal = check_list(said, limits, request);
		if (refusal == Refusal::none)
			check_sound(request, limits);
		ring.respond(raw.id, reply_operation(raw), to_reply(refusal));
	}
	(void)ring.publish();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	alignas(8) static u8 memory[ring_size(xen::max_ring_pages) + guard_size];
	Control control = {};
	BackRing ring;

	if (size < control_size)
		return 0;
	memcpy(&control, data, control_size);

	/* Mostly one: copying more takes most of the time. */
	const u32 pages = 1u << (control.order < 200 ? 0 : control.order % 5);
	const size_t bytes = ring_size(pages);
	auto &head = *reinterpret_cast<xen::RingHead *>(memory);
	const DiskLimits limits = { control.disk_sectors, 1u << (control.flags & 3),
				    (control.flags & 4) != 0, (control.flags & 8) != 0,
				    (control.flags & 16) != 0 };

	memset(memory, 0, bytes);
	for (size_t at = sizeof(head); at < bytes && size > control_size;
	     at += size - control_size) {
		const size_t left = bytes - at;

		memcpy(memory + at, data + control_size,
		       size - control_size < left ? size - control_size : left);
	}
	memset(memory + bytes, guard_byte, guard_size);
	head.rsp_prod = control.start;
	head.req_prod = control.start + control.requests;

	const bool is_sane = ring.attach(memory, pages, static_cast<xen::Abi>(control.abi % 3));
	TBK_ASSERT(is_sane == (control.requests <= ring.slots()));
	if (!is_sane)
		return 0;

	/* Responses go into the ring meanwhile: what is said there changes as it would. */
	answer_all(ring, limits, ring.demand().requests, memory + sizeof(head));
	TBK_ASSERT(!ring.arm() && head.rsp_prod == head.req_prod);
	for (size_t i = 0; i < guard_size; i++)
		TBK_ASSERT(memory[bytes + i] == guard_byte);
	return 0;
}
