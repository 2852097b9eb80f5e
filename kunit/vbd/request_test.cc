// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/vbd/request.h"

#include "../harness/check.h"

using namespace thinback;

namespace {

/* Too big for a kernel's stack; cases run one at a time. */
Request request;
xen::WireSegment wire[xen::max_indirect_segments];

constexpr DiskLimits disk = { .sectors = 1000, .block_sectors = 1, .is_read_only = false };

/* A sound request to begin with; cases break one thing each. */
RawRequest sound(u8 operation, u16 segments = 1)
{
	RawRequest raw;

	raw.operation = operation;
	raw.segment_count = segments;
	for (u32 i = 0; i < xen::max_segments; i++)
		raw.segments[i] = { 100 + i, 0, 7, {} };
	return raw;
}

RawRequest with_segment(u8 first, u8 last)
{
	RawRequest raw = sound(xen::op_read, 2);

	raw.segments[1].first_sector = first;
	raw.segments[1].last_sector = last;
	return raw;
}

RawRequest at(u64 sector, u8 operation = xen::op_write)
{
	RawRequest raw = sound(operation);

	raw.sector = sector;
	return raw;
}

Refusal verdict(const RawRequest &raw, const DiskLimits &limits = disk)
{
	return check_request(raw, limits, request);
}

/* An indirect request of whole pages, as the ring has it; its list is in `wire`. */
RawRequest indirect(u8 operation, u16 segments)
{
	RawRequest raw = sound(xen::op_indirect, segments);

	raw.indirect_operation = operation;
	for (u32 i = 0; i < xen::max_indirect_segments; i++)
		wire[i] = { 100 + i, 0, 7, {} };
	return raw;
}

/* A discard, of a disk that offers it. */
Refusal discard_verdict(u64 sector, u64 sectors, DiskLimits limits = disk)
{
	RawRequest raw = sound(xen::op_discard, 0);

	limits.has_discard = true;
	raw.sector = sector;
	raw.sector_count = sectors;
	raw.flag = 1;
	return verdict(raw, limits);
}

/* Of both parts of the check. */
Refusal full_verdict(const RawRequest &raw, const DiskLimits &limits)
{
	const Refusal refusal = check_request(raw, limits, request);

	return refusal == Refusal::none ? check_segments(wire, limits, request) : refusal;
}

} // namespace

TBK_TEST(check_accepts_read_of_all_segments)
{
	RawRequest raw = sound(xen::op_read, 11);

	raw.sector = 16;
	raw.segments[3] = { 5, 2, 4, {} };
	REQUIRE(check_request(raw, disk, request) == Refusal::none);
	CHECK(request.operation == Operation::read);
	CHECK_EQ(request.segment_count, 11);
	CHECK_EQ(request.sectors, 10u * 8 + 3);
	CHECK_EQ(request.sector, 16u);
	CHECK_EQ(request.segments[3].grant, 5u);
	CHECK_EQ(request.segments[3].offset, 1024);
	CHECK_EQ(request.segments[3].length, 1536);
	CHECK_EQ(request.segments[10].length, 4096);
}

TBK_TEST(check_accepts_flush_without_data)
{
	RawRequest raw = sound(xen::op_flush, 0);

	raw.sector = ~0ull;
	REQUIRE(check_request(raw, disk, request) == Refusal::none);
	CHECK(request.operation == Operation::flush);
	CHECK_EQ(request.sectors, 0u);
}

TBK_TEST(check_accepts_flush_with_data)
{
	REQUIRE(check_request(sound(xen::op_flush, 2), disk, request) == Refusal::none);
	CHECK(request.operation == Operation::flush_write);
	CHECK_EQ(request.sectors, 16u);
}

TBK_TEST(check_refuses_operations_not_offered)
{
	const u8 operations[] = { xen::op_barrier, xen::op_discard };

	for (const u8 operation : operations) {
		CHECK(verdict(sound(operation)) == Refusal::not_offered);
		CHECK(to_reply(verdict(sound(operation))) == xen::Reply::unsupported);
	}
}

TBK_TEST(check_refuses_unknown_operations)
{
	CHECK(verdict(sound(4)) == Refusal::unknown_operation);
	for (u32 operation = 7; operation < 256; operation++)
		CHECK(verdict(sound(static_cast<u8>(operation))) == Refusal::unknown_operation);
	CHECK(to_reply(Refusal::unknown_operation) == xen::Reply::unsupported);
}

TBK_TEST(check_refuses_counts_of_segments)
{
	CHECK(verdict(sound(xen::op_read, 0)) == Refusal::no_segments);
	CHECK(verdict(sound(xen::op_write, 0)) == Refusal::no_segments);
	CHECK(verdict(sound(xen::op_read, 12)) == Refusal::too_many_segments);
	CHECK(verdict(sound(xen::op_flush, 12)) == Refusal::too_many_segments);
	CHECK(verdict(sound(xen::op_read, 255)) == Refusal::too_many_segments);
	CHECK(to_reply(Refusal::too_many_segments) == xen::Reply::error);
}

TBK_TEST(check_refuses_bad_segments)
{
	CHECK(verdict(with_segment(0, 0)) == Refusal::none);
	CHECK(verdict(with_segment(7, 7)) == Refusal::none);
	CHECK(verdict(with_segment(3, 2)) == Refusal::bad_segment);
	CHECK(verdict(with_segment(8, 8)) == Refusal::bad_segment);
	CHECK(verdict(with_segment(255, 0)) == Refusal::bad_segment);
	for (u32 last = 8; last < 256; last++)
		CHECK(verdict(with_segment(0, static_cast<u8>(last))) == Refusal::bad_segment);

	/* What is not counted is not looked at. */
	RawRequest raw = with_segment(0, 255);
	raw.segment_count = 1;
	CHECK(verdict(raw) == Refusal::none);
}

TBK_TEST(check_refuses_sectors_out_of_range)
{
	CHECK(verdict(at(993)) == Refusal::out_of_range);
	CHECK(verdict(at(1000)) == Refusal::out_of_range);
	CHECK(verdict(at(1001)) == Refusal::out_of_range);
	CHECK(verdict(at(~0ull)) == Refusal::out_of_range);
	CHECK(verdict(at(~0ull - 7)) == Refusal::out_of_range);
	CHECK(verdict(at(0ull - 8)) == Refusal::out_of_range);
}

TBK_TEST(check_accepts_the_last_sector)
{
	CHECK(verdict(at(992)) == Refusal::none);
}

TBK_TEST(check_keeps_read_only_disks)
{
	DiskLimits limits = disk;

	limits.is_read_only = true;
	CHECK(verdict(at(0, xen::op_read), limits) == Refusal::none);
	CHECK(verdict(at(0, xen::op_write), limits) == Refusal::read_only);
	CHECK(verdict(sound(xen::op_flush, 1), limits) == Refusal::read_only);
	CHECK(verdict(sound(xen::op_flush, 0), limits) == Refusal::none);
}

TBK_TEST(check_refuses_misaligned_on_large_sectors)
{
	DiskLimits limits = disk;
	RawRequest part = sound(xen::op_read);

	limits.block_sectors = 8;
	CHECK(verdict(at(8), limits) == Refusal::none);
	CHECK(verdict(at(4), limits) == Refusal::misaligned);
	part.segments[0].last_sector = 3;
	CHECK(verdict(part, limits) == Refusal::misaligned);

	/* A length that is right, but not where it starts. */
	limits.block_sectors = 2;
	part.segments[0] = { 1, 1, 4, {} };
	CHECK(verdict(part, limits) == Refusal::misaligned);
	part.segments[0] = { 1, 2, 5, {} };
	CHECK(verdict(part, limits) == Refusal::none);
}

TBK_TEST(check_accepts_indirect_of_all_segments)
{
	const DiskLimits large = { .sectors = 256 * 8 };

	REQUIRE(full_verdict(indirect(xen::op_write, 256), large) == Refusal::none);
	CHECK(request.operation == Operation::write);
	CHECK(request.is_indirect);
	CHECK_EQ(request.segment_count, 256);
	CHECK_EQ(request.sectors, 256u * 8);
	CHECK_EQ(request.segments[255].grant, 355u);
	CHECK_EQ(request.segments[255].length, 4096);
	CHECK(full_verdict(indirect(xen::op_read, 1), large) == Refusal::none);
	CHECK(verdict(sound(xen::op_read), large) == Refusal::none && !request.is_indirect);
}

TBK_TEST(check_refuses_indirect_of_anything_else)
{
	for (u32 operation = 2; operation < 256; operation++) {
		const Refusal refusal = verdict(indirect(static_cast<u8>(operation), 1));

		CHECK(refusal == Refusal::bad_indirect);
		CHECK(to_reply(refusal) == xen::Reply::error);
	}
}

TBK_TEST(check_refuses_counts_of_indirect_segments)
{
	CHECK(verdict(indirect(xen::op_read, 0)) == Refusal::no_segments);
	CHECK(verdict(indirect(xen::op_read, 257)) == Refusal::too_many_segments);
	CHECK(verdict(indirect(xen::op_read, 512)) == Refusal::too_many_segments);
	CHECK(verdict(indirect(xen::op_read, 65535)) == Refusal::too_many_segments);
}

TBK_TEST(check_refuses_what_the_list_says)
{
	DiskLimits limits = { .sectors = 256 * 8 };
	RawRequest raw = indirect(xen::op_write, 256);

	wire[255].last_sector = 8;
	CHECK(full_verdict(raw, limits) == Refusal::bad_segment);
	wire[255] = { 1, 7, 6, {} };
	CHECK(full_verdict(raw, limits) == Refusal::bad_segment);
	/* What is not counted is not looked at. */
	raw.segment_count = 255;
	CHECK(full_verdict(raw, limits) == Refusal::none);

	raw = indirect(xen::op_write, 256);
	limits.sectors--;
	CHECK(full_verdict(raw, limits) == Refusal::out_of_range);
	limits.sectors++;
	raw.sector = ~0ull;
	CHECK(full_verdict(raw, limits) == Refusal::out_of_range);
	raw.sector = 0;
	limits.is_read_only = true;
	CHECK(full_verdict(raw, limits) == Refusal::read_only);
	limits.is_read_only = false;
	limits.block_sectors = 8;
	CHECK(full_verdict(raw, limits) == Refusal::none);
	wire[100].last_sector = 6;
	CHECK(full_verdict(raw, limits) == Refusal::misaligned);
}

TBK_TEST(check_accepts_discards)
{
	REQUIRE(discard_verdict(8, 992) == Refusal::none);
	CHECK(request.operation == Operation::discard);
	CHECK_EQ(request.sector, 8u);
	CHECK_EQ(request.sectors, 992u);
	CHECK_EQ(request.segment_count, 0);
	CHECK(discard_verdict(3, 1) == Refusal::none);

	/* More than 32 bits can count. */
	CHECK(discard_verdict(0, 1ull << 40, { .sectors = 1ull << 40 }) == Refusal::none);
	CHECK_EQ(request.sectors, 1ull << 40);
}

TBK_TEST(check_refuses_bad_discards)
{
	DiskLimits limits = disk;

	CHECK(discard_verdict(0, 1001) == Refusal::out_of_range);
	CHECK(discard_verdict(1000, 1) == Refusal::out_of_range);
	CHECK(discard_verdict(1001, 0) == Refusal::out_of_range);
	CHECK(discard_verdict(8, ~0ull) == Refusal::out_of_range);
	CHECK(discard_verdict(8, 0ull - 8) == Refusal::out_of_range);
	CHECK(discard_verdict(~0ull, 2) == Refusal::out_of_range);
	CHECK(discard_verdict(0, 0) == Refusal::nothing_to_do);
	CHECK(to_reply(Refusal::nothing_to_do) == xen::Reply::okay);
	limits.is_read_only = true;
	CHECK(discard_verdict(0, 8, limits) == Refusal::read_only);
	limits.is_read_only = false;
	limits.block_sectors = 8;
	CHECK(discard_verdict(8, 16, limits) == Refusal::none);
	CHECK(discard_verdict(4, 16, limits) == Refusal::misaligned);
	CHECK(discard_verdict(8, 4, limits) == Refusal::misaligned);
}

TBK_TEST(check_accepts_barriers_where_offered)
{
	DiskLimits limits = disk;

	limits.has_barrier = true;
	REQUIRE(verdict(sound(xen::op_barrier, 3), limits) == Refusal::none);
	CHECK(request.operation == Operation::flush_write_fua && request.is_barrier);
	REQUIRE(verdict(sound(xen::op_barrier, 0), limits) == Refusal::none);
	CHECK(request.operation == Operation::flush && request.is_barrier);
	REQUIRE(verdict(sound(xen::op_flush, 0), limits) == Refusal::none);
	CHECK(!request.is_barrier);
	CHECK(verdict(sound(xen::op_barrier, 12), limits) == Refusal::too_many_segments);
	limits.is_read_only = true;
	CHECK(verdict(sound(xen::op_barrier, 1), limits) == Refusal::read_only);
	CHECK(verdict(sound(xen::op_barrier, 0), limits) == Refusal::none);
}

TBK_TEST(reply_names_the_inner_operation_of_indirect)
{
	RawRequest raw = sound(xen::op_indirect);

	raw.indirect_operation = xen::op_write;
	CHECK_EQ(reply_operation(raw), xen::op_write);
	CHECK_EQ(reply_operation(sound(xen::op_discard)), xen::op_discard);
	CHECK_EQ(reply_operation(sound(200)), 200);
}
