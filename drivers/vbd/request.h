/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/xen/blkif.h>

#include "ring.h"

namespace thinback {

/* name, what the guest is told, what a person reads */
#define TBK_REFUSALS(X)                                                             \
	X(unknown_operation, unsupported, "unknown operation")                      \
	X(not_offered, unsupported, "operation that was not offered")               \
	X(bad_indirect, error, "indirect operation that is neither read nor write") \
	X(nothing_to_do, okay, "discard of nothing")                                \
	X(no_segments, error, "no data to read or write")                           \
	X(too_many_segments, error, "more segments than fit")                       \
	X(bad_segment, error, "segment that is no run of sectors within a page")    \
	X(read_only, error, "write to a read-only disk")                            \
	X(out_of_range, error, "sectors beyond the end of the disk")                \
	X(misaligned, error, "not a multiple of the disk's sector size")

/* Why a request is answered without being tried. */
enum class Refusal : u8 {
	none,
#define TBK_REFUSAL_NAME(name, reply, text) name,
	TBK_REFUSALS(TBK_REFUSAL_NAME)
#undef TBK_REFUSAL_NAME
};

xen::Reply to_reply(Refusal refusal);
const char *to_text(Refusal refusal);

/* What a request is checked against. */
struct DiskLimits {
	u64 sectors = 0;       /* size, of 512 bytes */
	u32 block_sectors = 1; /* the disk's sector size, in sectors of 512; a power of two */
	bool is_read_only = false;
	bool has_discard = false;
	bool has_barrier = false;
};

enum class Operation : u8 {
	read,
	write,
	flush,		 /* no data */
	flush_write,	 /* what is in the cache first, then this data */
	flush_write_fua, /* the same, and this data is durable when it is done */
	discard,	 /* no data */
};

/* Part of a page of the guest. */
struct Segment {
	u32 grant = 0;
	u16 offset = 0; /* bytes in the page */
	u16 length = 0; /* bytes, never 0 */
};

/* A request that was found sound: all of it can be relied on, save that the grants may not map. */
struct Request {
	Operation operation = Operation::read;
	bool is_indirect = false;
	bool is_barrier =
		false; /* a flush before which all before it ends, and after which all else begins */
	u16 segment_count = 0;
	u64 sector = 0;
	u64 sectors = 0; /* sum over the segments, or to be discarded */
	Segment segments[xen::max_indirect_segments]; /* 2 KiB: not for a kernel's stack */
};

/*
 * Fills @request from @raw, or says why not. If it is indirect, what is said of
 * its segments is in a page of the guest's: check_segments() is to follow.
 */
Refusal check_request(const RawRequest &raw, const DiskLimits &limits, Request &request);

/* Fills in what is told of @request by its @wire segments, out of the guest's reach by now. */
Refusal check_segments(const xen::WireSegment *wire, const DiskLimits &limits, Request &request);

/* The operation a response to @raw carries. */
u8 reply_operation(const RawRequest &raw);

} // namespace thinback
