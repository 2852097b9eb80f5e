/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The block ring that a guest shares with us, as it lies in memory. One or more
 * pages of 4096 bytes that follow each other:
 *
 *   OFFSET   SIZE   FIELD
 *        0      4   req_prod   the frontend has put this many requests
 *        4      4   req_event  we want an event when req_prod reaches this
 *        8      4   rsp_prod   we have put this many responses
 *       12      4   rsp_event  the frontend wants an event when rsp_prod reaches this
 *       16     48   unused
 *       64          slots: a power of two, each a request or a response
 *
 * Numbers run through all of 32 bits; a slot is its number modulo their count.
 *
 * A request is laid out as the C compiler of the guest's world lays it out.
 * The two that exist differ by 4 bytes of padding before `id`:
 *
 *   x86_32   64 bit   SIZE   FIELD
 *        0        0      1   operation
 *        1        1      1   read, write: nr_segments; discard: flag; indirect: indirect_op
 *        2        2      2   read, write, discard: handle; indirect: nr_segments
 *        4        8      8   id      echoed in the response
 *       12       16      8   sector  of 512 bytes
 *       20       24   8 * n  read, write: segments
 *                        8   discard: nr_sectors
 *                        2   indirect: handle
 *       24       28    4*8   indirect: grants of pages full of segments
 *      108      112          slot size
 *
 * A response is {id 8, operation 1, unused 1, status 2} in both.
 */
#pragma once

#include <thinback/base/types.h>

namespace thinback::xen {

inline constexpr u32 page_size = 4096;
inline constexpr u32 sector_size = 512;
inline constexpr u32 sectors_per_page = page_size / sector_size;

inline constexpr u32 max_segments = 11; /* in the slot itself */
inline constexpr u32 max_indirect_pages = 8;
inline constexpr u32 max_indirect_segments = 256; /* that we offer: as xen-blkback, and one page */
inline constexpr u32 max_ring_pages = 16;

/* Whose compiler laid the requests out. */
enum class Abi : u8 { native, x86_32, x86_64 };

enum : u8 {
	op_read = 0,
	op_write = 1,
	op_barrier = 2,
	op_flush = 3,
	op_discard = 5,
	op_indirect = 6,
};

/* What a response says. */
enum class Reply : short { okay = 0, error = -1, unsupported = -2 };

/* Bits of the `info` key. */
enum : u32 { info_cdrom = 1, info_removable = 2, info_read_only = 4 };

struct RingHead {
	u32 req_prod;
	u32 req_event;
	u32 rsp_prod;
	u32 rsp_event;
	u8 unused[48];
};
static_assert(sizeof(RingHead) == 64);

/* A run of sectors in one page of the guest; both ends are included. */
struct WireSegment {
	u32 grant;
	u8 first_sector;
	u8 last_sector;
	u8 unused[2];
};
static_assert(sizeof(WireSegment) == 8);
/* What an indirect page is full of. */
static_assert(max_indirect_segments <= page_size / sizeof(WireSegment));

struct WireReadWrite {
	u8 operation;
	u8 nr_segments;
	u16 handle;
	u32 unused;
	u64 id;
	u64 sector;
	WireSegment segments[max_segments];
};
static_assert(sizeof(WireReadWrite) == 112 && offsetof(WireReadWrite, id) == 8);
static_assert(offsetof(WireReadWrite, sector) == 16 && offsetof(WireReadWrite, segments) == 24);

struct WireDiscard {
	u8 operation;
	u8 flag;
	u16 handle;
	u32 unused;
	u64 id;
	u64 sector;
	u64 nr_sectors;
};
static_assert(sizeof(WireDiscard) == 32 && offsetof(WireDiscard, nr_sectors) == 24);

struct WireIndirect {
	u8 operation;
	u8 indirect_op;
	u16 nr_segments;
	u32 unused;
	u64 id;
	u64 sector;
	u16 handle;
	u16 unused2;
	u32 grants[max_indirect_pages];
	u32 unused3;
};
static_assert(sizeof(WireIndirect) == 64 && offsetof(WireIndirect, nr_segments) == 2);
static_assert(offsetof(WireIndirect, handle) == 24 && offsetof(WireIndirect, grants) == 28);

struct [[gnu::packed]] WireReadWrite32 {
	u8 operation;
	u8 nr_segments;
	u16 handle;
	u64 id;
	u64 sector;
	WireSegment segments[max_segments];
};
static_assert(sizeof(WireReadWrite32) == 108 && offsetof(WireReadWrite32, id) == 4);
static_assert(offsetof(WireReadWrite32, sector) == 12 && offsetof(WireReadWrite32, segments) == 20);

struct [[gnu::packed]] WireDiscard32 {
	u8 operation;
	u8 flag;
	u16 handle;
	u64 id;
	u64 sector;
	u64 nr_sectors;
};
static_assert(sizeof(WireDiscard32) == 28 && offsetof(WireDiscard32, nr_sectors) == 20);

struct [[gnu::packed]] WireIndirect32 {
	u8 operation;
	u8 indirect_op;
	u16 nr_segments;
	u64 id;
	u64 sector;
	u16 handle;
	u16 unused2;
	u32 grants[max_indirect_pages];
	u64 unused3;
};
static_assert(sizeof(WireIndirect32) == 64 && offsetof(WireIndirect32, nr_segments) == 2);
static_assert(offsetof(WireIndirect32, handle) == 20 && offsetof(WireIndirect32, grants) == 24);

/* Slots of x86_32 start on multiples of 4 only. */
struct [[gnu::packed, gnu::aligned(4)]] WireResponse
{
	u64 id;
	u8 operation;
	u8 unused;
	short status;
};
static_assert(sizeof(WireResponse) == 12 && offsetof(WireResponse, operation) == 8);
static_assert(offsetof(WireResponse, status) == 10);

/* Bytes from one slot to the next. */
constexpr u32 slot_size(Abi abi)
{
	switch (abi) {
	case Abi::x86_32:
		return sizeof(WireReadWrite32);
	case Abi::x86_64:
	case Abi::native:
		break;
	}
	return sizeof(WireReadWrite);
}

/* Slots in a ring of @pages: the largest power of two that fits. */
constexpr u32 slot_count(Abi abi, u32 pages)
{
	const u32 fit = (pages * page_size - static_cast<u32>(sizeof(RingHead))) / slot_size(abi);
	u32 count = 1;

	while (count * 2 <= fit)
		count *= 2;
	return count;
}
static_assert(slot_count(Abi::x86_32, 1) == 32 && slot_count(Abi::native, 1) == 32);
static_assert(slot_count(Abi::x86_32, 16) == 512 && slot_count(Abi::x86_64, 16) == 512);

} // namespace thinback::xen
