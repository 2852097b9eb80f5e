// SPDX-License-Identifier: GPL-2.0
/* Scrubs of pools that are in use: what is damaged below them, and what only changes. */
#include <random>

#include "../../drivers/store/handle.h"
#include "../harness/check.h"
#include "fleet.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 volume_blocks = 64 * mib / TBK_BLOCK;

MemoryDevice::Options options()
{
	MemoryDevice::Options options;

	options.asynchronous = true;
	options.latency_ns = 20'000;
	options.side_by_side = 8;
	return options;
}

struct Outcome {
	enum tbk_scrub_state state;
	u64 found;
	u64 healed;

	friend bool operator==(const Outcome &, const Outcome &) = default;
};

/* Volumes with trees of several levels, and ways to spoil what lies on the device. */
class Town {
public:
	/* @extents: in all */
	explicit Town(u32 volumes, u32 extents = 1500)
		: fleet(256 * mib, options(), volumes, volume_blocks * TBK_BLOCK)
	{
		count_ = volumes;
		if (!fleet.is_ok())
			return;
		for (u32 i = 0; i < extents; i++)
			fleet.ask(i % volumes, TBK_OP_WRITE, i / volumes * 2, 32);
		fleet.requests.wait_for_all();
		settle();
	}

	bool is_ok() const { return fleet.is_ok() && root(1).level > 0 && root(1).mirror; }
	void settle() { (void)tbk_pool_settle(fleet.pool); }

	NodePointer root(u32 id) const
	{
		Catalog &catalog = fleet.pool->pool->catalog();
		MutexGuard guard(catalog.lock());

		return id ? catalog.find_id(id)->tree.root() : catalog.tree().root();
	}
	NodePointer leaf(u32 id, u32 index) const
	{
		u8 image[TBK_BLOCK];
		const NodePointer at = root(id);

		fleet.device.read(at.block * TBK_BLOCK, image, TBK_BLOCK);
		return Node(at.block, image).pointer(index);
	}

	void flip(u64 block)
	{
		u8 byte = 0;

		fleet.device.read(block * TBK_BLOCK + 100, &byte, 1);
		byte ^= 8;
		fleet.device.write(block * TBK_BLOCK + 100, &byte, 1);
	}
	std::string block(u64 at) const
	{
		std::string bytes(TBK_BLOCK, 0);

		fleet.device.read(at * TBK_BLOCK, bytes.data(), TBK_BLOCK);
		return bytes;
	}

	Outcome scrub() const
	{
		(void)tbk_pool_scrub(fleet.pool, 0, nullptr);
		tbk_pool_scrub_wait(fleet.pool);
		return outcome();
	}
	Outcome outcome() const
	{
		const struct tbk_pool_info info = fleet.info();

		return { info.scrub_state, info.scrub_found, info.scrub_healed };
	}
	int tune(u32 what, u64 rate) const
	{
		struct tbk_pool_tuning tuning {};

		tuning.set = what;
		tuning.scrub_rate = tuning.remove_rate = rate;
		return tbk_pool_tune(fleet.pool, &tuning, nullptr);
	}

	/*
	 * Anything that guests and administrators do to all but the last volume, some
	 * of it at one place; and a checkpoint now and then.
	 */
	void live(std::mt19937_64 &random, u32 steps)
	{
		for (u32 i = 0; i < steps; i++) {
			const u64 what = random() % 64;
			const u32 op = what % 4 ? TBK_OP_WRITE : TBK_OP_DISCARD;

			if (i % 16 == 0) {
				place_ = random() % 10000;
				hosted_sleep_ms(random() % 50);
			}
			fleet.ask(random() % (count_ - 1), op, place_ + random() % 40, 16);
			if (what == 0)
				(void)tbk_pool_sync(fleet.pool);
			else if (what < 3)
				shape(random);
		}
		fleet.requests.wait_for_all();
	}

	/* Whether a check of the device, once the pool is let go, has nothing to say. */
	bool is_sound()
	{
		struct tbk_check check {};
		u32 findings = 0;

		fleet.requests.wait_for_all();
		for (u32 i = 0; i < count_; i++)
			fleet.close();
		count_ = 0;
		if (tbk_pool_close(fleet.pool, nullptr))
			findings++;
		fleet.pool = nullptr;
		check.context = &findings;
		check.found = [](struct tbk_check *in, enum tbk_finding_class, const char *) {
			++*static_cast<u32 *>(in->context);
		};
		return !tbk_pool_check(&fleet.device, &check, nullptr) && findings == 0;
	}

	Fleet fleet;

private:
	/* Snapshots and clones come and go. */
	void shape(std::mt19937_64 &random)
	{
		const std::string volume = "v" + std::to_string(random() % count_);
		const std::string snapshot = "s" + std::to_string(random() % 2);
		const std::string clone = volume + "-" + snapshot;

		switch (random() % 4) {
		case 0:
			(void)tbk_snapshot_create(fleet.pool, volume.c_str(), snapshot.c_str(),
						  nullptr);
			break;
		case 1:
			(void)tbk_clone_create(fleet.pool, volume.c_str(), snapshot.c_str(),
					       clone.c_str(), 0, nullptr);
			break;
		case 2:
			(void)tbk_remove(fleet.pool, volume.c_str(), snapshot.c_str(), 0, nullptr);
			break;
		default:
			(void)tbk_remove(fleet.pool, clone.c_str(), nullptr, 0, nullptr);
		}
	}

	u32 count_ = 0;
	u64 place_ = 0;
};

constexpr Outcome sound = { TBK_SCRUB_DONE, 0, 0 };
constexpr Outcome one_healed = { TBK_SCRUB_DONE, 1, 1 };
constexpr Outcome one_lost = { TBK_SCRUB_DONE, 1, 0 };

} // namespace

TBK_TEST(scrub_finds_nothing_in_a_sound_pool)
{
	Town town(2);

	REQUIRE(town.is_ok());
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_IDLE);
	CHECK_EQ(tbk_snapshot_create(town.fleet.pool, "v0", "s", nullptr), 0);
	CHECK_EQ(tbk_clone_create(town.fleet.pool, "v0", "s", "c", 0, nullptr), 0);
	const u64 reads = town.fleet.device.counts().reads;

	CHECK(town.scrub() == sound);
	const struct tbk_pool_info info = town.fleet.info();

	/* All nodes, each once: what is shared is not read again. */
	CHECK_EQ(info.scrub_done, town.fleet.device.counts().reads - reads);
	CHECK(info.scrub_done >= 16 + 3 * 2 + 1500 / 168);
	CHECK(info.scrub_done <= 16 + info.metadata / TBK_BLOCK);
	CHECK_EQ(info.scrub_total, info.scrub_done);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 2, nullptr), -TBK_EINVAL);
}

TBK_TEST(scrub_heals_first_copy_of_a_branch)
{
	Town town(2);

	REQUIRE(town.is_ok());
	const u64 at = town.root(2).block;
	const std::string before = town.block(at);

	town.flip(at);
	CHECK(town.scrub() == one_healed);
	CHECK(town.block(at) == before);
	CHECK(town.scrub() == sound);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_heals_second_copy_of_a_branch)
{
	Town town(2);

	REQUIRE(town.is_ok());
	const u64 at = town.root(1).mirror;
	const std::string before = town.block(at);

	town.flip(at);
	CHECK(town.scrub() == one_healed);
	CHECK(town.block(at) == before);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_heals_copies_of_the_catalog)
{
	Town town(2);

	REQUIRE(town.is_ok());
	town.flip(town.root(0).block);
	CHECK(town.scrub() == one_healed);
	town.flip(town.root(0).mirror);
	CHECK(town.scrub() == one_healed);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_heals_copies_of_the_superblock)
{
	Town town(1);

	REQUIRE(town.is_ok());
	while (town.fleet.info().checkpoint < 20)
		town.settle();
	const u64 durable = town.fleet.info().checkpoint;
	const u64 slot = (durable - 2) % format::ring_length;

	for (const u64 ring : { format::ring_a, format::ring_b }) {
		const std::string before = town.block(ring + slot);

		town.flip(ring + slot);
		CHECK(town.scrub() == one_healed);
		CHECK(town.block(ring + slot) == before);
	}
	/* The newest of ring A is none that a crash accounts for. */
	town.flip(format::ring_a + durable % format::ring_length);
	CHECK(town.scrub() == one_healed);
	/* Both: there is nothing to heal from. */
	town.flip(format::ring_a + slot);
	town.flip(format::ring_b + slot);
	CHECK((town.scrub() == Outcome{ TBK_SCRUB_DONE, 2, 0 }));
}

TBK_TEST(scrub_tells_of_a_leaf_that_is_lost)
{
	Town town(1);

	REQUIRE(town.is_ok());
	const NodePointer leaf = town.leaf(1, 1);

	REQUIRE_EQ(leaf.level, 0u);
	town.flip(leaf.block);
	CHECK(town.scrub() == one_lost);
	/* The pool goes on, and holds the leaf in memory: once it is written again all is well. */
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
	CHECK(town.scrub() == one_lost);
	town.flip(leaf.block);
	CHECK(town.scrub() == sound);
}

TBK_TEST(scrub_tells_of_a_branch_that_is_lost)
{
	Town town(1);

	REQUIRE(town.is_ok());
	town.flip(town.root(1).block);
	town.flip(town.root(1).mirror);
	CHECK(town.scrub() == one_lost);
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
}

TBK_TEST(scrub_reads_again_what_could_not_be_read)
{
	Town town(1);

	REQUIRE(town.is_ok());
	CHECK(town.scrub() == sound);
	const u64 reads = town.fleet.info().scrub_done;

	for (u64 n = 1; n <= reads; n++) {
		town.fleet.device.fail_read(n);
		CHECK(town.scrub() == sound);
	}
}

TBK_TEST(scrub_survives_a_device_that_cannot_be_read)
{
	Town town(1);

	REQUIRE(town.is_ok());
	town.fleet.device.fail_read(1, true);
	const Outcome outcome = town.scrub();

	CHECK_EQ(outcome.state, TBK_SCRUB_DONE);
	CHECK(outcome.found > 10);
	CHECK_EQ(outcome.healed, 0u);
	CHECK_EQ(town.fleet.info().flags & TBK_POOL_FAILED, 0u);
	town.fleet.device.fail_read(0);
	CHECK(town.scrub() == sound);
	CHECK(town.is_sound());
}

TBK_TEST(scrub_writes_nothing_to_a_pool_that_is_read)
{
	Town town(1);
	MemoryDevice copy(256 * mib, options());
	struct tbk_pool *pool = nullptr;
	struct tbk_pool_info info {};

	REQUIRE(town.is_ok());
	town.flip(town.root(1).mirror);
	copy.copy_from(town.fleet.device);
	REQUIRE_EQ(tbk_pool_open(&copy, TBK_POOL_READ_ONLY, &pool, nullptr), 0);
	CHECK_EQ(tbk_pool_scrub(pool, 0, nullptr), 0);
	tbk_pool_scrub_wait(pool);
	tbk_pool_describe(pool, &info);
	CHECK_EQ(info.scrub_found, 1u);
	CHECK_EQ(info.scrub_healed, 0u);
	CHECK_EQ(copy.counts().writes, 0u);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
}

/* What it has read of the tree is of yesterday by the time it comes to the leaves. */
TBK_TEST(scrub_goes_by_the_tree_as_it_is_then)
{
	constexpr u32 leaves = 8;
	Town town(1);
	u64 before[leaves];

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	while (town.fleet.info().scrub_done < 16 + 2 + 2 + 1)
		hosted_sleep_ms(500);
	for (u32 i = 0; i < leaves; i++)
		before[i] = town.leaf(1, i).block;
	for (u32 i = 0; i < 1500; i += 40)
		town.fleet.ask(0, TBK_OP_DISCARD, 2 * i, 32);
	town.fleet.requests.wait_for_all();
	town.settle();
	for (u32 i = 0; i < leaves; i++) {
		REQUIRE(town.leaf(1, i).block != before[i]);
		town.flip(before[i]);
	}
	/* One that it has yet to come to. */
	town.flip(town.leaf(1, 5).block);
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 0), 0);
	tbk_pool_scrub_wait(town.fleet.pool);
	CHECK(town.outcome() == one_lost);
}

TBK_TEST(scrub_finds_nothing_under_load)
{
	for (u32 seed = 0; seed < 3; seed++) {
		std::mt19937_64 random(seed);
		Town town(4, 12000);
		u64 read = 0;
		u32 done = 0;

		REQUIRE(town.is_ok());
		/* Slow enough for blocks that it knows of to be given to somebody else. */
		CHECK_EQ(town.tune(TBK_TUNE_SCRUB, (100 + 100 * seed) * TBK_BLOCK), 0);
		for (u32 round = 0; round < 40; round++) {
			CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
			town.live(random, 200);
			CHECK_EQ(town.outcome().found, 0u);
			if (town.outcome().state != TBK_SCRUB_DONE)
				continue;
			read += town.fleet.info().scrub_done;
			done++;
		}
		CHECK(done > 2);
		CHECK(read > done * 40);
		CHECK(town.is_sound());
	}
}

TBK_TEST(scrub_heals_under_load)
{
	u64 healed = 0;

	for (u32 seed = 0; seed < 4; seed++) {
		std::mt19937_64 random(seed);
		Town town(4, 6000);

		REQUIRE(town.is_ok());
		CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 400 * TBK_BLOCK), 0);
		for (u32 round = 0; round < 30; round++) {
			const NodePointer at = town.root(1 + random() % 4);

			/* It may be replaced before it is read. */
			if (at.mirror)
				town.flip(random() % 2 ? at.block : at.mirror);
			CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
			town.live(random, 100);
			tbk_pool_scrub_wait(town.fleet.pool);
			CHECK_EQ(town.outcome().found, town.outcome().healed);
			healed += town.outcome().healed;
		}
		CHECK(town.is_sound());
	}
	CHECK(healed > 20);
}

TBK_TEST(scrub_stops_when_told)
{
	Town town(1);

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_RUNNING);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, TBK_SCRUB_STOP, nullptr), 0);
	tbk_pool_scrub_wait(town.fleet.pool);
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_IDLE);
	/* Again, from the beginning, while the first one still sleeps. */
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 0), 0);
	CHECK(town.scrub() == sound);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, TBK_SCRUB_STOP, nullptr), 0);
	CHECK_EQ(town.fleet.info().scrub_state, TBK_SCRUB_DONE);
}

TBK_TEST(scrub_keeps_to_its_rate)
{
	Town town(1);

	REQUIRE(town.is_ok());
	CHECK_EQ(town.fleet.info().scrub_rate, 32 * mib);
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK - 1), -TBK_EINVAL);
	CHECK(town.scrub() == sound);
	const u64 blocks = town.fleet.info().scrub_done;

	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, 2 * TBK_BLOCK), 0);
	CHECK_EQ(town.fleet.info().scrub_rate, 2 * TBK_BLOCK);
	const u64 begun = tbk_now_ns();

	CHECK(town.scrub() == sound);
	/* Half a second for each, but the last; the superblocks come at once. */
	const u64 took = (tbk_now_ns() - begun) / 1'000'000'000;

	CHECK(took >= (blocks - 2) / 2 - 1);
	CHECK(took <= blocks);
}

TBK_TEST(scrub_ends_when_the_pool_is_closed)
{
	Town town(1);

	REQUIRE(town.is_ok());
	CHECK_EQ(town.tune(TBK_TUNE_SCRUB, TBK_BLOCK), 0);
	CHECK_EQ(tbk_pool_scrub(town.fleet.pool, 0, nullptr), 0);
	const u64 begun = tbk_now_ns();

	CHECK(town.is_sound());
	CHECK(tbk_now_ns() - begun < 5'000'000'000);
}
