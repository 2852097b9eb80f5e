// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/vbd/ring.h"

#include "../harness/check.h"
#include "guest_ring.h"

using namespace thinback;

namespace {

constexpr u32 pages = xen::max_ring_pages;

/* Too big for a kernel stack; cases run one at a time. */
alignas(8) constinit u8 memory[pages * xen::page_size];

/* Both ends of a ring whose indices all start at @start. */
struct Pair {
	explicit Pair(xen::Abi abi = xen::Abi::x86_64, u32 start = 0) : guest(memory, abi)
	{
		__builtin_memset(memory, 0xa5, sizeof(memory));
		guest.head().req_prod = start;
		guest.head().rsp_prod = start;
		guest.head().req_event = start + 1;
		guest.head().rsp_event = start + 1;
		is_attached = back.attach(memory, 1, abi);
	}

	GuestRing guest;
	BackRing back;
	bool is_attached = false;
};

void check_read_write(struct kunit *test, xen::Abi abi)
{
	Pair pair(abi);
	RawRequest raw;

	pair.guest.put_read_write(0, xen::op_write, 11, 0x1122334455667788ull, 0x99aabbccddeeffull);
	for (u32 i = 0; i < xen::max_segments; i++)
		pair.guest.segments(0)[i] = { 1000 + i, static_cast<u8>(i % 8), 7, { 0xff, 0xff } };
	pair.guest.push(1);

	REQUIRE_EQ(pair.back.demand().requests, 1u);
	pair.back.take(raw);
	CHECK_EQ(raw.operation, xen::op_write);
	CHECK_EQ(raw.segment_count, 11);
	CHECK_EQ(raw.id, 0x1122334455667788ull);
	CHECK_EQ(raw.sector, 0x99aabbccddeeffull);
	for (u32 i = 0; i < xen::max_segments; i++) {
		CHECK_EQ(raw.segments[i].grant, 1000 + i);
		CHECK_EQ(raw.segments[i].first_sector, i % 8);
		CHECK_EQ(raw.segments[i].last_sector, 7);
	}
	CHECK_EQ(pair.back.demand().requests, 0u);
}

template <typename Wire> void check_discard(struct kunit *test, xen::Abi abi)
{
	Pair pair(abi);
	RawRequest raw;
	auto &wire = *reinterpret_cast<Wire *>(pair.guest.slot(0));

	wire.operation = xen::op_discard;
	wire.flag = 1;
	wire.id = ~0ull;
	wire.sector = 1ull << 40;
	wire.nr_sectors = 3ull << 32;
	pair.guest.push(1);
	pair.back.take(raw);
	CHECK_EQ(raw.operation, xen::op_discard);
	CHECK_EQ(raw.flag, 1);
	CHECK_EQ(raw.id, ~0ull);
	CHECK_EQ(raw.sector, 1ull << 40);
	CHECK_EQ(raw.sector_count, 3ull << 32);
	CHECK_EQ(raw.segment_count, 0);
}

template <typename Wire> void check_indirect(struct kunit *test, xen::Abi abi)
{
	Pair pair(abi);
	RawRequest raw;
	auto &wire = *reinterpret_cast<Wire *>(pair.guest.slot(0));

	wire.operation = xen::op_indirect;
	wire.indirect_op = xen::op_write;
	wire.nr_segments = 65535;
	wire.id = 5;
	wire.sector = 6;
	for (u32 i = 0; i < xen::max_indirect_pages; i++)
		wire.grants[i] = 70 + i;
	pair.guest.push(1);
	pair.back.take(raw);
	CHECK_EQ(raw.operation, xen::op_indirect);
	CHECK_EQ(raw.indirect_operation, xen::op_write);
	CHECK_EQ(raw.segment_count, 65535);
	CHECK_EQ(raw.id, 5u);
	CHECK_EQ(raw.sector, 6u);
	CHECK_EQ(raw.indirect_grants[0], 70u);
	CHECK_EQ(raw.indirect_grants[7], 77u);
}

/* Each slot of a ring of @used pages is found where the frontend put it, up to the last byte. */
void check_all_slots(struct kunit *test, xen::Abi abi, u32 used)
{
	Pair pair(abi);
	RawRequest raw;

	REQUIRE(pair.back.attach(memory, used, abi));
	REQUIRE_EQ(pair.back.slots(), 32 * used);
	for (u32 i = 0; i < 32 * used; i++) {
		u8 *const slot = pair.guest.slot(i, 32 * used);

		CHECK(slot + xen::slot_size(abi) <= memory + used * xen::page_size);
		slot[0] = xen::op_read;
		slot[abi == xen::Abi::x86_32 ? 4 : 8] = static_cast<u8>(i);
	}
	pair.guest.push(32 * used);
	for (u32 i = 0; i < 32 * used; i++) {
		pair.back.take(raw);
		CHECK_EQ(static_cast<u8>(raw.id), static_cast<u8>(i));
	}
}

} // namespace

TBK_TEST(attach_goes_on_where_responses_ended)
{
	Pair pair;
	RawRequest raw;

	pair.guest.head().rsp_prod = 100;
	pair.guest.head().req_prod = 103;
	pair.guest.put_read_write(100, xen::op_read, 1, 42, 0);
	REQUIRE(pair.back.attach(memory, 1, xen::Abi::x86_64));
	CHECK_EQ(pair.back.demand().requests, 3u);
	pair.back.take(raw);
	CHECK_EQ(raw.id, 42u);
}

TBK_TEST(attach_rejects_more_requests_than_slots)
{
	Pair pair;

	pair.guest.push(33);
	CHECK(!pair.back.attach(memory, 1, xen::Abi::x86_64));
	pair.guest.push(1u << 31);
	CHECK(!pair.back.attach(memory, 1, xen::Abi::x86_64));
}

TBK_TEST(attach_takes_a_full_ring)
{
	Pair pair;

	pair.guest.push(32);
	CHECK(pair.back.attach(memory, 1, xen::Abi::x86_64));
	CHECK_EQ(pair.back.demand().requests, 32u);
}

TBK_TEST(demand_rejects_too_many_requests)
{
	Pair pair;
	RawRequest raw;

	REQUIRE(pair.is_attached);
	pair.guest.push(32);
	CHECK(pair.back.demand().is_sane);
	for (u32 i = 0; i < 32; i++)
		pair.back.take(raw);
	/* None of them is answered: there is room for none. */
	pair.guest.push(1);
	CHECK(!pair.back.demand().is_sane);
	pair.back.respond(0, xen::op_read, xen::Reply::okay);
	CHECK(pair.back.demand().is_sane);
}

TBK_TEST(demand_rejects_an_index_that_went_back)
{
	Pair pair;
	RawRequest raw;

	pair.guest.push(3);
	pair.back.take(raw);
	pair.back.take(raw);
	pair.guest.head().req_prod = 1;
	CHECK(!pair.back.demand().is_sane);
}

TBK_TEST(demand_counts_across_wrap)
{
	Pair pair(xen::Abi::x86_64, ~0u - 1);
	RawRequest raw;

	REQUIRE(pair.is_attached);
	pair.guest.push(5);
	CHECK_EQ(pair.guest.head().req_prod, 3u);
	CHECK(pair.back.demand().is_sane);
	CHECK_EQ(pair.back.demand().requests, 5u);
	for (u32 i = 0; i < 5; i++) {
		pair.back.take(raw);
		pair.back.respond(i, xen::op_read, xen::Reply::okay);
	}
	CHECK(pair.back.publish());
	CHECK_EQ(pair.guest.head().rsp_prod, 3u);
}

TBK_TEST(take_decodes_read_write_of_x86_64)
{
	check_read_write(test, xen::Abi::x86_64);
	check_read_write(test, xen::Abi::native);
}

TBK_TEST(take_decodes_read_write_of_x86_32)
{
	check_read_write(test, xen::Abi::x86_32);
}

TBK_TEST(take_decodes_discard_of_both_layouts)
{
	check_discard<xen::WireDiscard>(test, xen::Abi::x86_64);
	check_discard<xen::WireDiscard32>(test, xen::Abi::x86_32);
}

TBK_TEST(take_decodes_indirect_of_both_layouts)
{
	check_indirect<xen::WireIndirect>(test, xen::Abi::x86_64);
	check_indirect<xen::WireIndirect32>(test, xen::Abi::x86_32);
}

TBK_TEST(take_copies_so_that_the_guest_cannot_change_it)
{
	Pair pair;
	RawRequest raw;

	pair.guest.put_read_write(0, xen::op_read, 1, 1, 1);
	pair.guest.push(1);
	pair.back.take(raw);
	pair.guest.put_read_write(0, xen::op_write, 200, 2, 2);
	CHECK_EQ(raw.operation, xen::op_read);
	CHECK_EQ(raw.segment_count, 1);
	CHECK_EQ(raw.id, 1u);
}

TBK_TEST(take_finds_each_slot_of_a_ring_of_pages)
{
	constexpr xen::Abi abis[] = { xen::Abi::native, xen::Abi::x86_32, xen::Abi::x86_64 };

	for (const xen::Abi abi : abis) {
		for (u32 used = 1; used <= pages; used *= 2)
			check_all_slots(test, abi, used);
	}
}

TBK_TEST(put_back_request_comes_again)
{
	Pair pair;
	RawRequest raw;

	pair.guest.put_read_write(0, xen::op_read, 1, 1, 1);
	pair.guest.put_read_write(1, xen::op_read, 1, 2, 1);
	pair.guest.push(2);
	pair.back.take(raw);
	pair.back.take(raw);
	CHECK_EQ(raw.id, 2u);
	pair.back.put_back();
	CHECK_EQ(pair.back.demand().requests, 1u);
	/* As it is then, not as it was. */
	pair.guest.put_read_write(1, xen::op_write, 1, 3, 1);
	pair.back.take(raw);
	CHECK_EQ(raw.id, 3u);
	CHECK(pair.back.demand().is_sane);
}

TBK_TEST(respond_leaves_padding_alone)
{
	Pair pair;
	const u8 *slot = pair.guest.slot(0);

	pair.back.respond(7, xen::op_write, xen::Reply::error);
	CHECK_EQ(pair.guest.response(0).id, 7u);
	CHECK_EQ(pair.guest.response(0).operation, xen::op_write);
	CHECK(pair.guest.response(0).status == -1);
	CHECK_EQ(slot[9], 0xa5);
	for (u32 i = 12; i < xen::slot_size(xen::Abi::x86_64); i++)
		CHECK_EQ(slot[i], 0xa5);
}

TBK_TEST(respond_packs_for_x86_32)
{
	Pair pair(xen::Abi::x86_32);

	pair.back.respond(7, xen::op_read, xen::Reply::okay);
	pair.back.respond(8, xen::op_flush, xen::Reply::unsupported);
	CHECK_EQ(memory[64], 7);
	CHECK_EQ(memory[64 + 108], 8);
	CHECK_EQ(memory[64 + 108 + 8], xen::op_flush);
	CHECK(pair.guest.response(1).status == -2);
}

TBK_TEST(publish_asks_for_an_event_only_where_wanted)
{
	Pair pair;

	pair.guest.head().rsp_event = 3;
	pair.back.respond(0, 0, xen::Reply::okay);
	pair.back.respond(1, 0, xen::Reply::okay);
	CHECK(!pair.back.publish());
	pair.back.respond(2, 0, xen::Reply::okay);
	pair.back.respond(3, 0, xen::Reply::okay);
	CHECK(pair.back.publish());
	pair.back.respond(4, 0, xen::Reply::okay);
	CHECK(!pair.back.publish());
	CHECK(!pair.back.publish());
}

TBK_TEST(publish_shows_nothing_before)
{
	Pair pair;

	pair.back.respond(0, 0, xen::Reply::okay);
	CHECK_EQ(pair.guest.head().rsp_prod, 0u);
	(void)pair.back.publish();
	CHECK_EQ(pair.guest.head().rsp_prod, 1u);
}

TBK_TEST(arm_sees_a_request_that_came_meanwhile)
{
	Pair pair;
	RawRequest raw;

	CHECK(!pair.back.arm());
	CHECK_EQ(pair.guest.head().req_event, 1u);
	pair.guest.push(1);
	CHECK(pair.back.arm());
	pair.back.take(raw);
	CHECK(!pair.back.arm());
	CHECK_EQ(pair.guest.head().req_event, 2u);
}
