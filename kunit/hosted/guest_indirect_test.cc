// SPDX-License-Identifier: GPL-2.0
/* Requests whose segments are listed in a page of the guest's. */
#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr int error = -1;
constexpr u32 most = xen::max_indirect_segments;

/* @count pages, the n-th filled with n + @value. */
std::vector<u32> filled_pages(Guest &guest, u32 count, u8 value)
{
	std::vector<u32> grants;

	for (u32 i = 0; i < count; i++) {
		grants.push_back(guest.grant());
		memset(guest.page(grants[i]), static_cast<u8>(value + i), xen::page_size);
	}
	return grants;
}

GuestIo indirect(u8 operation, u64 id, u64 sector, std::vector<u32> grants)
{
	GuestIo io = { operation, id, sector, std::move(grants), 0, 7 };

	io.is_indirect = true;
	return io;
}

void check_write_and_read(struct kunit *test, xen::Abi abi, u32 count)
{
	RingRig rig;

	REQUIRE(rig.connect({}, abi));
	const std::vector<u32> out = filled_pages(rig.guest, count, 7);
	const std::vector<u32> in = filled_pages(rig.guest, count, 0);

	CHECK_EQ(rig.ask(indirect(xen::op_write, 1, 8, out)), 0);
	CHECK_EQ(rig.ask(indirect(xen::op_read, 2, 8, in)), 0);
	for (u32 i = 0; i < count; i++)
		CHECK(!memcmp(rig.guest.page(in[i]), rig.guest.page(out[i]), xen::page_size));
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
	CHECK_EQ(rig.guest.backend["feature-max-indirect-segments"], most);
}

} // namespace

TBK_TEST(indirect_write_reads_back)
{
	for (const u32 count : { 1u, 11u, 12u, 129u, most }) {
		check_write_and_read(test, xen::Abi::x86_64, count);
		check_write_and_read(test, xen::Abi::x86_32, count);
	}
}

TBK_TEST(indirect_pages_are_mapped_at_once)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	rig.device.hold();
	for (u64 id = 0; id < 4; id++)
		rig.guest.put(indirect(xen::op_read, id, 0, filled_pages(rig.guest, 32, 0)));
	rig.guest.kick();
	hosted_sleep_ms(1);
	CHECK_EQ(rig.guest.mapped_at_once(), 128u);
	CHECK_EQ(rig.guest.pages_mapped(), 1u + 4 * 33);
	rig.device.let_go();
	for (u64 id = 0; id < 4; id++)
		REQUIRE(rig.guest.take(reply));
}

TBK_TEST(bad_indirect_is_answered_with_its_operation)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({}));
	for (const u8 operation : { u8(2), u8(3), u8(5), u8(6), u8(255) }) {
		rig.guest.put(indirect(operation, 5, 0, { rig.guest.grant() }));
		rig.guest.kick();
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.status, error);
		CHECK_EQ(reply.operation, operation);
	}
	/* Too many, and none. */
	for (const size_t count : { size_t(0), size_t(most + 1), size_t(512), size_t(65535) })
		CHECK_EQ(rig.ask(indirect(xen::op_read, 6, 0,
					  std::vector<u32>(count, rig.guest.grant()))),
			 error);
	CHECK_EQ(rig.device.counts().reads + rig.device.counts().writes, 0u);
}

TBK_TEST(list_that_changes_later_changes_nothing)
{
	RingRig rig;
	GuestReply reply = {};
	u8 found[xen::page_size];

	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	rig.device.hold();
	rig.guest.put(indirect(xen::op_write, 1, 0, filled_pages(rig.guest, 20, 1)));
	rig.guest.kick();
	hosted_sleep_ms(1);
	CHECK_EQ(rig.guest.pages_mapped(), 22u);
	memset(rig.guest.list(), 0xff, xen::page_size);
	rig.device.let_go();
	REQUIRE(rig.guest.take(reply));
	CHECK_EQ(reply.status, 0);
	rig.device.read(19ull * xen::page_size, found, sizeof(found));
	CHECK_EQ(found[0], 20);
	CHECK_EQ(found[xen::page_size - 1], 20);
}

TBK_TEST(list_that_cannot_be_mapped_fails_its_request)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	rig.guest.put(indirect(xen::op_write, 1, 0, { rig.guest.grant() }));
	reinterpret_cast<xen::WireIndirect *>(const_cast<u8 *>(rig.guest.ring_slot(0)))->grants[0] =
		54321;
	rig.guest.kick();
	GuestReply reply = {};
	REQUIRE(rig.guest.take(reply));
	CHECK_EQ(reply.status, error);
	CHECK_EQ(rig.write(0, 1), 0);
}

TBK_TEST(bad_page_in_a_list_fails_its_request)
{
	RingRig rig;

	REQUIRE(rig.connect({}));
	for (const u32 bad : { 0u, 100u, most - 1 }) {
		std::vector<u32> grants = filled_pages(rig.guest, most, 0);

		grants[bad] = 99999;
		CHECK_EQ(rig.ask(indirect(xen::op_read, 1, 0, grants)), error);
		CHECK_EQ(rig.guest.pages_mapped(), 1u);
	}
	/* The same page more than once is the guest's own affair. */
	CHECK_EQ(rig.ask(indirect(xen::op_read, 1, 0, std::vector<u32>(most, rig.guest.grant()))),
		 0);
}

TBK_TEST(indirect_requests_wait_for_room)
{
	RingRig rig;
	GuestReply reply = {};

	REQUIRE(rig.connect({ .queues = 1, .order = 2 }));
	hosted_sleep_ms(1);
	rig.device.hold();
	const std::vector<u32> large = filled_pages(rig.guest, most, 0);
	/* Of pages first: 1024 hold three of these. Then of lists: there are 32. */
	for (u64 id = 0; id < 8; id++)
		rig.guest.put(indirect(xen::op_read, id, 0, large));
	for (u64 id = 8; id < 128; id++)
		rig.guest.put(indirect(xen::op_read, id, 0, { large[0] }));
	rig.guest.kick();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 3u);
	rig.device.let_go();
	for (u32 i = 0; i < 128; i++) {
		REQUIRE(rig.guest.take(reply));
		CHECK_EQ(reply.status, 0);
	}

	rig.device.hold();
	for (u64 id = 0; id < 64; id++)
		rig.guest.put(indirect(xen::op_read, id, 0, { large[0] }));
	rig.guest.kick();
	hosted_sleep_ms(10);
	CHECK_EQ(rig.device.in_flight(), 32u);
	rig.device.let_go();
	for (u32 i = 0; i < 64; i++)
		REQUIRE(rig.guest.take(reply));
	CHECK(rig.close());
}

namespace {

/* One that may be sound, or have anything wrong with it. */
void put_anything(Guest &guest, u64 id, const std::vector<u32> &pages, u32 queue)
{
	GuestIo io = { static_cast<u8>(hosted_pick(8) ? hosted_pick(2) : hosted_pick(256)),
		       id,
		       hosted_pick(8000),
		       {},
		       0,
		       7 };

	for (u64 n = hosted_pick(hosted_pick(4) ? 40 : 300); n; n--)
		io.grants.push_back(hosted_pick(500) ? pages[hosted_pick(pages.size())] : 77777);
	io.is_indirect = hosted_pick(4) != 0;
	if (!guest.put(io, queue) || !io.is_indirect || hosted_pick(3))
		return;
	auto *bytes = reinterpret_cast<u8 *>(guest.list());
	for (u32 i = 0; i < 20; i++)
		bytes[hosted_pick(xen::page_size)] = static_cast<u8>(hosted_pick(256));
}

} // namespace

TBK_TEST(random_lists_never_get_stuck)
{
	for (u32 round = 0; round < 10; round++) {
		RingRig rig;
		std::vector<u32> pages;
		const GuestLayout layout = { .queues = 1 + static_cast<u32>(hosted_pick(3)),
					     .order = static_cast<u32>(hosted_pick(5)) };

		rig.guest.limits.pages = 512;
		REQUIRE(rig.connect(layout, hosted_pick(2) ? xen::Abi::x86_32 : xen::Abi::x86_64));
		for (u32 i = 0; i < 64; i++)
			pages.push_back(rig.guest.grant(hosted_pick(16) == 0));
		for (u64 id = 0; id < 200; id++) {
			const u32 queue = static_cast<u32>(hosted_pick(layout.queues));
			GuestReply reply = {};

			put_anything(rig.guest, id, pages, queue);
			if (hosted_pick(3) == 0)
				rig.guest.kick(queue);
			while (rig.guest.has_response(queue))
				rig.guest.take(reply, queue);
		}
		rig.guest.go(State::closed);
		CHECK(rig.guest.wait_for(State::closed));
		CHECK_EQ(rig.guest.pages_mapped(), 0u);
	}
}
