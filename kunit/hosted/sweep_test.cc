// SPDX-License-Identifier: GPL-2.0
/* Freed blocks: discarded, or overwritten, before they are given out again. */
#include <string.h>

#include "../harness/check.h"
#include "journal_rig.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 block = 4096;
constexpr u64 pattern = 0x0123456789abcdef;

struct Policy {
	bool discard = false;
	bool scrub = false;
	u64 rate = 0;
};

class Rig : public JournalRig {
public:
	explicit Rig(const MemoryDevice::Options &options = asynchronous) : JournalRig(options) {}

	int set(const Policy &wanted)
	{
		const struct tbk_pool_policy policy = { TBK_POLICY_DISCARD |
								TBK_POLICY_SCRUB_FREED |
								TBK_POLICY_DISCARD_RATE,
							wanted.discard, wanted.scrub, wanted.rate };

		return tbk_pool_set_policy(pool, &policy, nullptr);
	}
	struct tbk_pool_info about() const
	{
		struct tbk_pool_info info {};

		tbk_pool_describe(pool, &info);
		return info;
	}
	bool fill(u64 at, u64 count)
	{
		for (u64 i = 0; i < count; i++) {
			if (write(at + i, pattern))
				return false;
		}
		return true;
	}
	/* Frees, and lets the checkpoint be that it takes; not what is done with the blocks then. */
	bool free(u64 at, u64 count)
	{
		if (discard(at, count) || tbk_pool_sync(pool))
			return false;
		hosted_sleep_ms(1);
		return true;
	}
	/* So many blocks are written, and freed once @policy holds. */
	bool free_under(const Policy &policy, u64 count)
	{
		return is_ok() && !set(policy) && fill(0, count) && free(0, count);
	}
	/* The same, and the pool is filled with @value; the first block for which there was no room. */
	u64 free_in_full_pool(const Policy &policy, u64 count, u64 value)
	{
		u64 at = 8192;

		if (!is_ok() || tbk_volume_resize(pool, "disk", 256 * mib, 0, nullptr) ||
		    set(policy) || !fill(0, count))
			return 0;
		while (write(at, value) == 0)
			at++;
		return free(0, count) ? at : 0;
	}
	/* Pages of the device that hold what fill() wrote. */
	u64 pages_left() const
	{
		u64 count = 0;
		u64 word = 0;

		for (u64 at = 0; at < device.size(); at += block) {
			device.read(at + block / 2, &word, sizeof(word));
			count += word == pattern;
		}
		return count;
	}
};

} // namespace

TBK_TEST(sweep_is_off_unless_asked_for)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.about().discard + rig.about().scrub_freed, 0);
	CHECK_EQ(rig.about().discard_rate, 256 * mib);
	CHECK(rig.fill(0, 100));
	CHECK(rig.free(0, 100));
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.device.counts().discards, 0);
	CHECK_EQ(rig.pages_left(), 100);
}

TBK_TEST(sweep_discards_what_was_freed_in_few_pieces)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.set({ .discard = true }), 0);
	CHECK(rig.fill(0, 200));
	CHECK(rig.fill(1000, 200));
	/* In an order in which nothing follows upon what was before it. */
	for (u64 i = 0; i < 200; i += 2)
		CHECK_EQ(rig.discard(i, 1), 0);
	for (u64 i = 1; i < 200; i += 2)
		CHECK_EQ(rig.discard(200 - i, 1), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.device.counts().bytes_discarded, 200 * block);
	CHECK(rig.device.counts().discards <= 20);
	CHECK_EQ(rig.about().freeing, 0);
	CHECK_EQ(rig.pages_left(), 200);
	CHECK(rig.is_sound());
}

TBK_TEST(sweep_keeps_to_granules_of_the_device)
{
	MemoryDevice::Options options = JournalRig::asynchronous;

	options.discard_granularity = 16 * block;
	Rig rig(options);

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.set({ .discard = true }), 0);
	CHECK(rig.fill(0, 100));
	CHECK_EQ(rig.discard(3, 3), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.device.counts().discards, 0);
	CHECK_EQ(rig.discard(6, 90), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	/* The device refuses what is not aligned. */
	CHECK(rig.device.counts().bytes_discarded >= 64 * block);
	CHECK_EQ(rig.about().freeing, 0);
	CHECK(rig.is_sound());
}

/* Granules that are larger than one write of zeros, or than what the rate allows at once, are discarded as a whole. */
TBK_TEST(sweep_waits_for_no_granule_in_vain)
{
	constexpr u32 granule = 128;
	const Policy policies[] = { { true, true, 0 }, { true, false, mib }, { true, true, mib } };
	MemoryDevice::Options options = JournalRig::asynchronous;

	options.discard_granularity = granule * block;
	for (const Policy &policy : policies) {
		Rig rig(options);

		REQUIRE(rig.free_under(policy, 1024));
		CHECK_EQ(tbk_pool_settle(rig.pool), 0);
		CHECK(rig.device.counts().bytes_discarded >= (1024 - granule) * block);
		CHECK_EQ(rig.about().freeing, 0);
		if (policy.scrub)
			CHECK_EQ(rig.pages_left(), 0);
		CHECK(rig.is_sound());
	}
}

TBK_TEST(sweep_is_no_faster_than_its_rate)
{
	constexpr u64 second = 1000 * 1000 * 1000;
	Rig rig;

	REQUIRE(rig.free_under({ .discard = true, .rate = mib }, 1024));
	CHECK(rig.device.counts().bytes_discarded < mib);
	CHECK(rig.about().freeing >= 3 * mib);
	const u64 begun = tbk_now_ns();

	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.device.counts().bytes_discarded, 4 * mib);
	CHECK(tbk_now_ns() - begun > 3 * second);
}

TBK_TEST(sweep_leaves_discards_out_for_who_needs_room)
{
	Rig rig;
	const u64 at = rig.free_in_full_pool({ .discard = true, .rate = mib }, 4096, pattern);

	REQUIRE(at != 0);
	CHECK(rig.fill(at, 3000));
	CHECK(rig.device.counts().bytes_discarded < 4 * mib);
	CHECK(rig.is_sound());
}

TBK_TEST(sweep_loses_no_block_to_a_discard_that_fails)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	const u64 before = rig.about().free;

	CHECK_EQ(rig.set({ .discard = true }), 0);
	CHECK(rig.fill(0, 500));
	rig.device.fail_discard(1, true);
	CHECK(rig.free(0, 500));
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK(rig.device.counts().discards > 0);
	CHECK_EQ(rig.about().freeing, 0);
	CHECK(rig.about().free + 64 * block >= before);
	CHECK(rig.fill(2000, 500));
	CHECK(rig.is_sound());
}

TBK_TEST(sweep_of_a_device_without_discards)
{
	MemoryDevice::Options options = JournalRig::asynchronous;

	options.discards = false;
	Rig rig(options);

	REQUIRE(rig.free_under({ .discard = true }, 50));
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.about().freeing, 0);
	CHECK_EQ(rig.about().discard, 1);
}

TBK_TEST(sweep_does_not_hold_up_a_close)
{
	constexpr u64 second = 1000 * 1000 * 1000;
	Rig rig;

	REQUIRE(rig.free_under({ .discard = true, .rate = mib }, 8192));
	const u64 begun = tbk_now_ns();

	CHECK(rig.is_sound());
	CHECK(tbk_now_ns() - begun < second);
	CHECK(rig.device.counts().bytes_discarded < 4 * mib);
}

TBK_TEST(sweep_policy_survives)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.set({ .discard = true, .rate = 3 * mib + 1 }), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.about().discard, 1);
	CHECK_EQ(rig.about().scrub_freed, 0);
	CHECK_EQ(rig.about().discard_rate, 4 * mib);
	CHECK_EQ(rig.set({ .scrub = true }), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.about().discard, 0);
	CHECK_EQ(rig.about().scrub_freed, 1);
	CHECK_EQ(rig.about().discard_rate, 0);
	const struct tbk_pool_policy one = { TBK_POLICY_DISCARD, 1, 0, 0 };

	CHECK_EQ(tbk_pool_set_policy(rig.pool, &one, nullptr), 0);
	CHECK_EQ(rig.about().scrub_freed, 1);
}

TBK_TEST(sweep_turned_off_gives_out_what_waited)
{
	Rig rig;

	REQUIRE(rig.free_under({ .discard = true, .rate = mib }, 4096));
	CHECK(rig.about().freeing > 8 * mib);
	CHECK_EQ(rig.set({}), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.about().freeing, 0);
	CHECK(rig.device.counts().bytes_discarded < 4 * mib);
	CHECK(rig.is_sound());
}

TBK_TEST(scrub_leaves_nothing_on_the_device)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.set({ .scrub = true }), 0);
	CHECK(rig.fill(0, 700));
	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(rig.pages_left(), 700);
	CHECK(rig.free(0, 300));
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.pages_left(), 400);
	rig.leave();
	CHECK_EQ(tbk_remove(rig.pool, "disk", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.pages_left(), 0);
	CHECK_EQ(rig.device.counts().discards, 0);
}

TBK_TEST(scrub_is_done_when_the_pool_is_closed)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.set({ .scrub = true, .rate = mib }), 0);
	CHECK(rig.fill(0, 4096));
	/* No checkpoint yet: that is the one which closes the pool. */
	CHECK_EQ(rig.discard(0, 4096), 0);
	CHECK(rig.is_sound());
	CHECK_EQ(rig.pages_left(), 0);
}

/* Writes wait for it, a piece at a time, and find room for as much as was freed. */
TBK_TEST(scrub_comes_before_a_block_is_given_out)
{
	Rig rig;
	const u64 at = rig.free_in_full_pool({ .scrub = true, .rate = mib }, 4096, 1);

	REQUIRE(at != 0);
	const u64 before = rig.device.counts().bytes_written;

	for (u64 i = 0; i < 3000; i++)
		REQUIRE_EQ(rig.write(at + i, 1), 0);
	CHECK(rig.device.counts().bytes_written - before >= 2 * 3000 * block);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.pages_left(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(scrub_and_discard_of_the_same)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.set({ .discard = true, .scrub = true }), 0);
	CHECK(rig.fill(0, 500));
	CHECK_EQ(rig.flush(), 0);
	const u64 before = rig.device.counts().bytes_written;

	CHECK(rig.free(0, 500));
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK(rig.device.counts().bytes_written - before >= 500 * block);
	CHECK_EQ(rig.device.counts().bytes_discarded, 500 * block);
	CHECK_EQ(rig.pages_left(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(scrub_that_fails_keeps_the_block)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	const u64 before = rig.about().free;

	CHECK(rig.free_under({ .scrub = true, .rate = mib }, 1024));
	/* Between two rounds, with nothing else to be written. */
	hosted_sleep_ms(10);
	rig.device.fail_write(1);
	hosted_sleep_ms(400);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.about().freeing, 0);
	CHECK(rig.pages_left() > 0);
	CHECK(rig.about().free < before - rig.pages_left() * block + 64 * block);
	CHECK(rig.is_sound());
	CHECK(rig.about().free + 64 * block >= before);
}
