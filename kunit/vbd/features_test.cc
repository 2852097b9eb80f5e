// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/vbd/features.h"

#include "../harness/check.h"

using namespace thinback;

namespace {

struct Key {
	const char *name;
	const char *value;
};

/* A frontend's directory, as a list that ends with an empty name. */
class Keys : public FrontendKeys {
public:
	explicit Keys(const Key *keys) : keys_(keys) {}

	const char *read(const char *key) override
	{
		for (const Key *at = keys_; at->name; at++) {
			if (check::is_equal(at->name, key))
				return at->value;
		}
		return nullptr;
	}

private:
	const Key *keys_;
};

/* Counts how often a key is asked for, so that a frontend that changes it could be noticed. */
class CountedKeys : public FrontendKeys {
public:
	CountedKeys(const Key *keys, const char *counted) : keys_(keys), counted_(counted) {}

	const char *read(const char *key) override
	{
		count += check::is_equal(key, counted_) ? 1 : 0;
		return keys_.read(key);
	}

	u32 count = 0;

private:
	Keys keys_;
	const char *counted_;
};

constexpr Offer least = { .queues = 1, .ring_order = 0 };
constexpr Offer most = { .queues = 8, .ring_order = 4 };

Misfit features_of(const Key *list, const Offer &offer, FrontendFeatures &features)
{
	Keys keys(list);

	return read_features(keys, offer, features);
}

/* Reads all there is of queue @queue. */
Misfit ring_of(const Key *list, const Offer &offer, u32 queue, RingKeys &ring)
{
	Keys keys(list);
	FrontendFeatures features;
	const Misfit misfit = read_features(keys, offer, features);

	return misfit == Misfit::none ? read_ring(keys, features, queue, ring) : misfit;
}

} // namespace

TBK_TEST(parse_reads_numbers)
{
	u32 value = 7;

	CHECK(parse_u32("0", value) && value == 0);
	CHECK(parse_u32("4294967295", value) && value == ~0u);
	CHECK(parse_u32(" 12\n", value) && value == 12);
	CHECK(parse_u32("007", value) && value == 7);
}

TBK_TEST(parse_rejects_what_is_no_number)
{
	const char *const texts[] = {
		"",    " ",   "-1",  "+1",	   "0x10",
		"12a", "a12", "1 2", "4294967296", "99999999999999999999999999"
	};
	u32 value = 7;

	for (const char *text : texts)
		CHECK(!parse_u32(text, value));
	CHECK_EQ(value, 7u);
}

TBK_TEST(features_default_to_one_ring_of_one_page)
{
	const Key list[] = { {} };
	FrontendFeatures features;

	REQUIRE(features_of(list, most, features) == Misfit::none);
	CHECK_EQ(features.queues, 1u);
	CHECK_EQ(features.ring_pages, 1u);
	CHECK(!features.is_numbered);
#ifdef __x86_64__
	CHECK(features.abi == xen::Abi::x86_32);
#endif
}

TBK_TEST(features_know_each_protocol)
{
	const Key wide[] = { { "protocol", "x86_64-abi" }, {} };
	const Key narrow[] = { { "protocol", "x86_32-abi" }, {} };
	FrontendFeatures features;

	REQUIRE(features_of(wide, least, features) == Misfit::none);
	CHECK(features.abi == xen::Abi::x86_64);
	REQUIRE(features_of(narrow, least, features) == Misfit::none);
	CHECK(features.abi == xen::Abi::x86_32);
}

TBK_TEST(features_refuse_an_unknown_protocol)
{
	const char *const protocols[] = { "x86_64", "x86_64-abi2", "X86_64-ABI", "sparc" };

	for (const char *protocol : protocols) {
		const Key list[] = { { "protocol", protocol }, {} };
		FrontendFeatures features;

		CHECK(features_of(list, least, features) == Misfit::unknown_protocol);
	}
}

TBK_TEST(features_refuse_more_queues_than_offered)
{
	const Key one[] = { { "multi-queue-num-queues", "1" }, {} };
	const Key none[] = { { "multi-queue-num-queues", "0" }, {} };
	const Key eight[] = { { "multi-queue-num-queues", "8" }, {} };
	const Key nine[] = { { "multi-queue-num-queues", "9" }, {} };
	FrontendFeatures features;

	CHECK(features_of(one, least, features) == Misfit::none);
	CHECK(features_of(none, most, features) == Misfit::bad_queue_count);
	CHECK(features_of(eight, most, features) == Misfit::none);
	CHECK_EQ(features.queues, 8u);
	CHECK(features_of(nine, most, features) == Misfit::bad_queue_count);
	CHECK(features_of(eight, least, features) == Misfit::bad_queue_count);
}

TBK_TEST(features_refuse_more_pages_than_offered)
{
	const Key four[] = { { "ring-page-order", "4" }, {} };
	const Key five[] = { { "ring-page-order", "5" }, {} };
	const Key huge[] = { { "ring-page-order", "4294967295" }, {} };
	FrontendFeatures features;

	CHECK(features_of(four, most, features) == Misfit::none);
	CHECK_EQ(features.ring_pages, 16u);
	CHECK(features_of(five, most, features) == Misfit::bad_ring_order);
	CHECK(features_of(huge, most, features) == Misfit::bad_ring_order);
	CHECK(features_of(four, least, features) == Misfit::bad_ring_order);
}

TBK_TEST(ring_takes_ring_ref_without_an_order)
{
	const Key list[] = { { "ring-ref", "8" }, { "event-channel", "15" }, {} };
	RingKeys ring;

	REQUIRE(ring_of(list, most, 0, ring) == Misfit::none);
	CHECK_EQ(ring.pages, 1u);
	CHECK_EQ(ring.grants[0], 8u);
	CHECK_EQ(ring.event_port, 15u);
}

TBK_TEST(ring_takes_ring_ref0_with_an_order)
{
	const Key list[] = { { "ring-page-order", "0" },
			     { "ring-ref0", "9" },
			     { "ring-ref", "8" },
			     { "event-channel", "15" },
			     {} };
	RingKeys ring;

	REQUIRE(ring_of(list, least, 0, ring) == Misfit::none);
	CHECK_EQ(ring.grants[0], 9u);
}

TBK_TEST(ring_takes_ring_ref_with_an_order_of_0)
{
	const Key list[] = {
		{ "ring-page-order", "0" }, { "ring-ref", "8" }, { "event-channel", "15" }, {}
	};
	RingKeys ring;

	REQUIRE(ring_of(list, least, 0, ring) == Misfit::none);
	CHECK_EQ(ring.grants[0], 8u);
}

TBK_TEST(ring_ignores_what_an_old_frontend_left)
{
	const Key list[] = { { "ring-ref0", "9" },
			     { "ring-ref1", "10" },
			     { "ring-ref", "8" },
			     { "event-channel", "15" },
			     {} };
	RingKeys ring;

	REQUIRE(ring_of(list, most, 0, ring) == Misfit::none);
	CHECK_EQ(ring.pages, 1u);
	CHECK_EQ(ring.grants[0], 8u);
}

TBK_TEST(ring_reads_folders_of_several_queues)
{
	const Key list[] = { { "multi-queue-num-queues", "2" },
			     { "ring-page-order", "1" },
			     { "queue-0/ring-ref0", "10" },
			     { "queue-0/ring-ref1", "11" },
			     { "queue-0/event-channel", "1" },
			     { "queue-1/ring-ref0", "20" },
			     { "queue-1/ring-ref1", "21" },
			     { "queue-1/event-channel", "2" },
			     { "ring-ref0", "99" },
			     { "event-channel", "98" },
			     {} };
	RingKeys ring;

	REQUIRE(ring_of(list, most, 1, ring) == Misfit::none);
	CHECK_EQ(ring.pages, 2u);
	CHECK_EQ(ring.grants[0], 20u);
	CHECK_EQ(ring.grants[1], 21u);
	CHECK_EQ(ring.event_port, 2u);
}

TBK_TEST(ring_needs_all_of_its_pages)
{
	const Key list[] = { { "ring-page-order", "1" },
			     { "ring-ref0", "10" },
			     { "ring-ref", "8" },
			     { "event-channel", "1" },
			     {} };
	const Key alone[] = { { "ring-ref", "8" }, {} };
	RingKeys ring;

	CHECK(ring_of(list, most, 0, ring) == Misfit::no_ring_ref);
	CHECK(ring_of(alone, most, 0, ring) == Misfit::no_event_channel);
}

TBK_TEST(ring_needs_the_folder_of_each_queue)
{
	const Key list[] = { { "multi-queue-num-queues", "3" },
			     { "queue-0/ring-ref", "10" },
			     { "queue-0/event-channel", "1" },
			     { "queue-1/ring-ref", "4294967296" },
			     { "queue-1/event-channel", "2" },
			     { "queue-2/ring-ref", "11" },
			     { "ring-ref", "99" },
			     { "event-channel", "98" },
			     {} };
	RingKeys ring;

	CHECK(ring_of(list, most, 0, ring) == Misfit::none);
	CHECK(ring_of(list, most, 1, ring) == Misfit::no_ring_ref);
	CHECK(ring_of(list, most, 2, ring) == Misfit::no_event_channel);
}

TBK_TEST(features_take_what_is_no_number_for_missing)
{
	const char *const texts[] = { "", "-1", "2x", "0x2", "two", "99999999999999999999" };

	for (const char *text : texts) {
		const Key list[] = { { "multi-queue-num-queues", text },
				     { "ring-page-order", text },
				     {} };
		FrontendFeatures features;

		REQUIRE(features_of(list, most, features) == Misfit::none);
		CHECK_EQ(features.queues, 1u);
		CHECK_EQ(features.ring_pages, 1u);
		CHECK(!features.is_numbered);
	}
}

TBK_TEST(ring_takes_empty_keys_for_missing)
{
	const Key list[] = { { "ring-ref", "" }, { "event-channel", "" }, {} };
	const Key ref[] = { { "ring-ref", "" }, { "event-channel", "3" }, {} };
	RingKeys ring;

	CHECK(ring_of(list, least, 0, ring) == Misfit::no_event_channel);
	CHECK(ring_of(ref, least, 0, ring) == Misfit::no_ring_ref);
}

TBK_TEST(keys_of_all_rings_are_read_once)
{
	const Key list[] = { { "protocol", "x86_64-abi" },
			     { "multi-queue-num-queues", "2" },
			     { "ring-page-order", "0" },
			     { "queue-0/ring-ref0", "10" },
			     { "queue-0/event-channel", "1" },
			     { "queue-1/ring-ref0", "20" },
			     { "queue-1/event-channel", "2" },
			     { "feature-persistent", "1" },
			     {} };
	const char *const shared[] = { "protocol", "multi-queue-num-queues", "ring-page-order",
				       "feature-persistent" };
	Offer all = most;

	all.is_persistent = true;

	for (const char *key : shared) {
		CountedKeys keys(list, key);
		FrontendFeatures features;
		RingKeys ring;

		REQUIRE(read_features(keys, all, features) == Misfit::none);
		CHECK(read_ring(keys, features, 0, ring) == Misfit::none);
		CHECK(read_ring(keys, features, 1, ring) == Misfit::none);
		CHECK_EQ(keys.count, 1u);
	}
}

TBK_TEST(features_keep_grants_only_if_both_want_it)
{
	constexpr struct {
		const char *value;
		bool is_offered;
		bool is_kept;
	} cases[] = {
		{ "1", true, true }, { "1", false, false }, { "0", true, false },
		{ "", true, false }, { "x", true, false },  { nullptr, true, false },
	};
	FrontendFeatures features;

	for (const auto &one : cases) {
		const Key list[] = { { "feature-persistent", one.value }, {} };
		const Offer offer = { .is_persistent = one.is_offered };

		CHECK(features_of(list, offer, features) == Misfit::none);
		CHECK_EQ(features.is_persistent, one.is_kept);
	}
}
