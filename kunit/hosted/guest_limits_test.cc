// SPDX-License-Identifier: GPL-2.0
/* How fast a guest's disk may be: requests a second, bytes a second. Time is virtual. */
#include "../../drivers/backend/rate.h"
#include "../harness/check.h"
#include "greedy.h"

using namespace thinback;
using xen::State;

namespace {

constexpr u64 ms = 1'000'000;
constexpr u64 second = 1000 * ms;

} // namespace

TBK_TEST(rate_without_bound_asks_for_nothing)
{
	Rate rate;

	for (u32 i = 0; i < 1000; i++)
		CHECK_EQ(rate.take(1 << 20, 5 * second), 0u);
	rate.give_back(1 << 20);
	CHECK_EQ(rate.take(1, 5 * second), 0u);
}

TBK_TEST(rate_saves_up_no_more_than_its_burst)
{
	Rate rate;

	rate.set(100);
	/* Ten of a tenth of a second, and the one that finds the bucket empty but owes nothing. */
	for (u32 i = 0; i <= 10; i++)
		CHECK(rate.take(1, 5 * second) <= 5 * second);
	CHECK_EQ(rate.take(1, 5 * second), 5 * second + 10 * ms);
	CHECK_EQ(rate.take(1, 5 * second), 5 * second + 20 * ms);
	/* A year later it is no more than that. */
	for (u32 i = 0; i <= 10; i++)
		CHECK(rate.take(1, 9999 * second) <= 9999 * second);
	CHECK_EQ(rate.take(1, 9999 * second), 9999 * second + 10 * ms);
}

TBK_TEST(rate_lends_and_is_paid_back)
{
	Rate rate;

	rate.set(1000);
	CHECK(rate.take(5000, second) <= second);
	CHECK_EQ(rate.take(0, second), 6 * second - Rate::burst_ns);
	rate.give_back(4000);
	CHECK_EQ(rate.take(0, second), 2 * second - Rate::burst_ns);
	/* A new rate starts anew, and what comes back of the old one does not make it owe. */
	rate.set(10);
	rate.give_back(4000);
	CHECK(rate.take(1, second) <= second);
	CHECK_EQ(rate.take(1, second), second);
	CHECK_EQ(rate.take(1, second), second + 100 * ms);
}

TBK_TEST(requests_a_second_hold_over_all_rings)
{
	Greedy greedy({ xen::op_read, 1, 0, {}, 0, 7 }, ~0ull, { .queues = 4, .order = 1 });
	struct tbk_vbd_stats stats = {};

	greedy.wish().grants = { greedy.rig.guest.grant() };
	tbk_vbd_limit_iops(greedy.rig.guest.vbd(), 100);
	REQUIRE(greedy.start());
	greedy.kick();
	hosted_sleep_ms(10'000);
	/* A second's, ten times; a tenth of a second's, saved up; and one. */
	CHECK(greedy.all() <= 1000 + 10 + 1);
	CHECK(greedy.all() >= 1000);
	tbk_vbd_read_stats(greedy.rig.guest.vbd(), &stats);
	CHECK(stats.limited > 0);
	CHECK_EQ(stats.out_of_requests, 0u);
}

namespace {

void check_bandwidth(struct kunit *test, u8 operation)
{
	constexpr u64 rate = 1 << 20;
	constexpr u64 request = xen::max_segments * xen::page_size;
	Greedy greedy({ operation, 1, 0, {}, 0, 7 }, ~0ull);

	for (u32 i = 0; i < xen::max_segments; i++)
		greedy.wish().grants.push_back(greedy.rig.guest.grant());
	tbk_vbd_limit_bandwidth(greedy.rig.guest.vbd(), rate);
	REQUIRE(greedy.start());
	greedy.kick();
	hosted_sleep_ms(10'000);
	CHECK(greedy.all() * request <= 10 * rate + rate / 10 + request);
	CHECK(greedy.all() * request >= 10 * rate);
}

} // namespace

TBK_TEST(bytes_a_second_hold_for_reads_and_writes)
{
	check_bandwidth(test, xen::op_read);
	check_bandwidth(test, xen::op_write);
}

/* A sector at the end of a page and one at the start of the next: a KiB, not eight. */
TBK_TEST(indirect_requests_pay_for_what_they_carry)
{
	Greedy greedy({ xen::op_read, 1, 0, {}, 7, 0 }, ~0ull, { .queues = 1, .order = 0 });

	greedy.wish().is_indirect = true;
	greedy.wish().grants = { greedy.rig.guest.grant(), greedy.rig.guest.grant() };
	tbk_vbd_limit_bandwidth(greedy.rig.guest.vbd(), 100 * 1024);
	REQUIRE(greedy.start());
	greedy.kick();
	hosted_sleep_ms(10'000);
	CHECK(greedy.all() <= 1000 + 10 + 1);
	CHECK(greedy.all() >= 990);
}

TBK_TEST(flushes_and_discards_are_requests_without_data)
{
	for (const u8 operation : { xen::op_flush, xen::op_discard }) {
		Greedy greedy({ operation, 1, 0, {}, 0, 7 }, 3000);

		greedy.wish().discarded = 8;
		tbk_vbd_limit_iops(greedy.rig.guest.vbd(), 100);
		tbk_vbd_limit_bandwidth(greedy.rig.guest.vbd(), 1);
		REQUIRE(greedy.start());
		greedy.kick();
		hosted_sleep_ms(10'000);
		CHECK(greedy.all() <= 1000 + 10 + 1);
		CHECK(greedy.all() >= 1000);
		tbk_vbd_limit_iops(greedy.rig.guest.vbd(), 0);
		hosted_sleep_ms(100);
		CHECK(greedy.all() >= 3000);
	}
}

namespace {

void put_reads(Guest &guest, u32 count)
{
	for (u64 id = 0; id < count; id++)
		guest.put({ xen::op_read, id, 0, { guest.grant() }, 0, 7 });
	guest.kick();
}

u64 reads_of(Guest &guest)
{
	struct tbk_vbd_stats stats = {};

	tbk_vbd_read_stats(guest.vbd(), &stats);
	return stats.reads;
}

} // namespace

TBK_TEST(limited_requests_stay_on_the_ring)
{
	RingRig rig;

	tbk_vbd_limit_iops(rig.guest.vbd(), 1);
	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	put_reads(rig.guest, 32);
	hosted_sleep_ms(500);
	CHECK_EQ(rig.guest.ring().rsp_prod, 1u);
	CHECK_EQ(rig.guest.pages_mapped(), 1u);
	hosted_sleep_ms(1000);
	CHECK_EQ(rig.guest.ring().rsp_prod, 2u);

	/* Whoever closes does not wait for them; they are as they were, for the next. */
	const u64 before = tbk_now_ns();
	rig.guest.go(State::closed);
	CHECK(rig.guest.wait_for(State::closed));
	CHECK(tbk_now_ns() - before < 100 * ms);
	CHECK_EQ(rig.guest.ring().rsp_prod, 2u);
	CHECK_EQ(reinterpret_cast<const xen::WireReadWrite *>(rig.guest.ring_slot(2))->id, 2u);
}

TBK_TEST(rings_that_wait_have_their_turns)
{
	Greedy greedy({ xen::op_read, 1, 0, {}, 0, 7 }, ~0ull, { .queues = 3, .order = 0 });

	greedy.wish().grants = { greedy.rig.guest.grant() };
	tbk_vbd_limit_iops(greedy.rig.guest.vbd(), 300);
	REQUIRE(greedy.start());
	greedy.kick();
	hosted_sleep_ms(10'000);
	for (const u64 one : greedy.answered)
		CHECK(one >= 900);
}

TBK_TEST(changed_limit_calls_those_who_wait)
{
	RingRig rig;
	struct tbk_xen_rates rates = {};

	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	for (const u64 next : { 0u, 1u << 20 }) {
		tbk_vbd_limit_bandwidth(rig.guest.vbd(), 1);
		const u64 before = reads_of(rig.guest);

		put_reads(rig.guest, 4);
		hosted_sleep_ms(3000);
		CHECK_EQ(reads_of(rig.guest), before + 1);
		tbk_vbd_limit_bandwidth(rig.guest.vbd(), next);
		tbk_vbd_read_rates(rig.guest.vbd(), &rates);
		CHECK_EQ(rates.bandwidth, next);
		hosted_sleep_ms(100);
		CHECK_EQ(reads_of(rig.guest), before + 4);
	}
}

/* A guest waits with a sector, and shows eleven pages once it is its turn. */
TBK_TEST(request_that_changes_while_it_waits_is_paid_for)
{
	constexpr u64 whole = xen::max_segments * xen::page_size;
	RingRig rig;
	GuestIo large = { xen::op_read, 1, 0, {}, 0, 7 };

	for (u32 i = 0; i < xen::max_segments; i++)
		large.grants.push_back(rig.guest.grant());
	tbk_vbd_limit_bandwidth(rig.guest.vbd(), whole);
	REQUIRE(rig.connect({}));
	hosted_sleep_ms(1);
	rig.guest.put(large);
	rig.guest.put(large);
	auto *slot = const_cast<u8 *>(rig.guest.ring_slot(1));
	auto *wire = reinterpret_cast<xen::WireReadWrite *>(slot);
	wire->nr_segments = 1;
	rig.guest.kick();
	hosted_sleep_ms(10);
	CHECK_EQ(reads_of(rig.guest), 1u);
	wire->nr_segments = xen::max_segments;
	hosted_sleep_ms(1000);
	CHECK_EQ(reads_of(rig.guest), 2u);
	/* Its second is up after another, not after an eleventh of one. */
	rig.guest.put(large);
	rig.guest.kick();
	hosted_sleep_ms(500);
	CHECK_EQ(reads_of(rig.guest), 2u);
	hosted_sleep_ms(500);
	CHECK_EQ(reads_of(rig.guest), 3u);
}

TBK_TEST(one_request_at_a_time_makes_progress)
{
	RingRig rig;

	tbk_vbd_limit_iops(rig.guest.vbd(), 100);
	REQUIRE(rig.connect({}));
	const u64 before = tbk_now_ns();
	for (u64 i = 0; i < 100; i++)
		CHECK_EQ(rig.read(i * 8), 0);
	const u64 took = tbk_now_ns() - before;
	CHECK(took >= 880 * ms && took <= 1100 * ms);
}

TBK_TEST(keys_are_heeded_when_they_change)
{
	RingRig rig;
	struct tbk_xen_rates rates = {};
	const auto reconnect = [&] {
		CHECK(rig.close());
		CHECK(rig.connect({}));
		tbk_vbd_read_rates(rig.guest.vbd(), &rates);
	};

	/* What a guest writes is no key of the toolstack's. */
	rig.guest.frontend["iops-limit"] = "7";
	rig.guest.told["iops-limit"] = 50;
	REQUIRE(rig.connect({}));
	tbk_vbd_read_rates(rig.guest.vbd(), &rates);
	CHECK_EQ(rates.iops, 50u);
	CHECK_EQ(rates.bandwidth, 0u);

	/* What was set since stays, until the toolstack says something new. */
	tbk_vbd_limit_iops(rig.guest.vbd(), 70);
	tbk_vbd_limit_bandwidth(rig.guest.vbd(), 4096);
	reconnect();
	CHECK_EQ(rates.iops, 70u);
	CHECK_EQ(rates.bandwidth, 4096u);
	rig.guest.told["iops-limit"] = 60;
	rig.guest.told["bandwidth-limit"] = 8192;
	reconnect();
	CHECK_EQ(rates.iops, 60u);
	CHECK_EQ(rates.bandwidth, 8192u);
	rig.guest.told["iops-limit"] = 0;
	rig.guest.told.erase("bandwidth-limit");
	reconnect();
	CHECK_EQ(rates.iops, 0u);
	CHECK_EQ(rates.bandwidth, 8192u);
}
