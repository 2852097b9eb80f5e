// SPDX-License-Identifier: GPL-2.0
#include "request.h"

namespace thinback {
namespace {

/* An indirect request names the operation elsewhere. */
Refusal check_operation(const RawRequest &raw, const DiskLimits &limits, Request &request)
{
	u8 operation = raw.operation;

	request.is_barrier = operation == xen::op_barrier;
	request.is_indirect = operation == xen::op_indirect;
	if (request.is_indirect) {
		operation = raw.indirect_operation;
		if (operation != xen::op_read && operation != xen::op_write)
			return Refusal::bad_indirect;
	}
	switch (operation) {
	case xen::op_read:
		request.operation = Operation::read;
		return Refusal::none;
	case xen::op_write:
		request.operation = Operation::write;
		return Refusal::none;
	case xen::op_flush:
		request.operation =
			raw.segment_count == 0 ? Operation::flush : Operation::flush_write;
		return Refusal::none;
	case xen::op_barrier:
		request.operation =
			raw.segment_count == 0 ? Operation::flush : Operation::flush_write_fua;
		return limits.has_barrier ? Refusal::none : Refusal::not_offered;
	case xen::op_discard:
		request.operation = Operation::discard;
		return limits.has_discard ? Refusal::none : Refusal::not_offered;
	}
	return Refusal::unknown_operation;
}

/* First the bounds of both ends, so that the difference cannot go below zero. */
Refusal check_segment(const xen::WireSegment &wire, Segment &segment)
{
	if (wire.last_sector >= xen::sectors_per_page || wire.first_sector > wire.last_sector)
		return Refusal::bad_segment;

	const u32 sectors = wire.last_sector - wire.first_sector + 1u;

	segment.grant = wire.grant;
	segment.offset = static_cast<u16>(wire.first_sector * xen::sector_size);
	segment.length = static_cast<u16>(sectors * xen::sector_size);
	return Refusal::none;
}

Refusal check_count(const RawRequest &raw, Request &request)
{
	const u32 most = request.is_indirect ? xen::max_indirect_segments : xen::max_segments;

	if (raw.segment_count > most)
		return Refusal::too_many_segments;
	request.segment_count = raw.segment_count;
	if (raw.segment_count == 0 && request.operation != Operation::flush &&
	    request.operation != Operation::discard)
		return Refusal::no_segments;
	return Refusal::none;
}

Refusal check_alignment(const Request &request, u32 block_sectors)
{
	u64 bits = request.sector;

	for (u32 i = 0; i < request.segment_count; i++) {
		const Segment &segment = request.segments[i];

		bits |= (segment.offset | segment.length) / xen::sector_size;
	}
	return (bits & (block_sectors - 1)) == 0 ? Refusal::none : Refusal::misaligned;
}

bool is_in_range(const Request &request, const DiskLimits &limits)
{
	return request.sector <= limits.sectors &&
	       request.sectors <= limits.sectors - request.sector;
}

/*
 * Not so much as to the granularity: what does not fill it up at the ends is
 * the target's to leave alone. The secure flag says nothing, as it is not offered.
 */
Refusal check_discard(const RawRequest &raw, const DiskLimits &limits, Request &request)
{
	request.sectors = raw.sector_count;
	if (!is_in_range(request, limits))
		return Refusal::out_of_range;
	if (((request.sector | request.sectors) & (limits.block_sectors - 1)) != 0)
		return Refusal::misaligned;
	return request.sectors != 0 ? Refusal::none : Refusal::nothing_to_do;
}

} // namespace

Refusal check_request(const RawRequest &raw, const DiskLimits &limits, Request &request)
{
	Refusal refusal = check_operation(raw, limits, request);

	if (refusal == Refusal::none)
		refusal = check_count(raw, request);
	if (refusal != Refusal::none)
		return refusal;

	request.sector = raw.sector;
	request.sectors = 0;
	/* Of a read-only disk too: an error would make the guest stop flushing. */
	if (request.operation == Operation::flush)
		return Refusal::none;
	if (limits.is_read_only && request.operation != Operation::read)
		return Refusal::read_only;
	if (request.operation == Operation::discard)
		return check_discard(raw, limits, request);
	return request.is_indirect ? Refusal::none : check_segments(raw.segments, limits, request);
}

Refusal check_segments(const xen::WireSegment *wire, const DiskLimits &limits, Request &request)
{
	request.sectors = 0;
	for (u32 i = 0; i < request.segment_count; i++) {
		const Refusal refusal = check_segment(wire[i], request.segments[i]);

		if (refusal != Refusal::none)
			return refusal;
		request.sectors += request.segments[i].length / xen::sector_size;
	}
	if (!is_in_range(request, limits))
		return Refusal::out_of_range;
	return check_alignment(request, limits.block_sectors);
}

u8 reply_operation(const RawRequest &raw)
{
	/* Linux takes a disk away from itself when told `indirect`. */
	return raw.operation == xen::op_indirect ? raw.indirect_operation : raw.operation;
}

xen::Reply to_reply(Refusal refusal)
{
	switch (refusal) {
	case Refusal::none:
		return xen::Reply::okay;
#define TBK_REFUSAL_REPLY(name, reply, text) \
	case Refusal::name:                  \
		return xen::Reply::reply;
		TBK_REFUSALS(TBK_REFUSAL_REPLY)
#undef TBK_REFUSAL_REPLY
	}
	return xen::Reply::error;
}

const char *to_text(Refusal refusal)
{
	switch (refusal) {
	case Refusal::none:
		return "nothing";
#define TBK_REFUSAL_TEXT(name, reply, text) \
	case Refusal::name:                 \
		return text;
		TBK_REFUSALS(TBK_REFUSAL_TEXT)
#undef TBK_REFUSAL_TEXT
	}
	return "unknown reason";
}

} // namespace thinback
