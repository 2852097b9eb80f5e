// SPDX-License-Identifier: GPL-2.0
/* Pools that are made again of what a dump told; and what no pool is made of. */
#include <algorithm>
#include <string.h>

#include "../../drivers/hosted/crash_device.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../store/damage.h"
#include "dump_town.h"
#include "victim.h"

using namespace thinback;

TBK_TEST(restore_brings_back_any_pool)
{
	u32 hidden = 0, shared = 0, many = 0;

	for (u64 seed = 1; seed <= 14; seed++) {
		Town town(seed);
		Transcript told;

		REQUIRE_EQ(town.open(), 0);
		for (u32 i = 0; i < 150; i++)
			town.step();
		if (seed % 3 == 0)
			town.stop();
		else
			CHECK_EQ(town.close(), 0);
		REQUIRE_EQ(told.take(town.device), 0);
		CHECK_EQ(told.lost, 0);
		hidden += told.has_flag(TBK_OBJECT_HIDDEN);
		shared += told.count(TBK_DUMP_SAME) > 0;
		many += told.objects.size() > 4;
		town.round_trip(test, told);
	}
	CHECK(hidden > 0);
	CHECK(shared > 3);
	CHECK(many > 3);
}

namespace {

bool is_cleaning(struct tbk_pool *pool)
{
	struct tbk_pool_info info {};

	tbk_pool_describe(pool, &info);
	return (info.flags & TBK_POOL_CLEANING) != 0;
}

/* A snapshot between others is removed, and a volume; as a power cut would leave that. */
void remove_slowly(struct kunit *test, CrashDevice &device, Town &town)
{
	device.copy_from(town.device);
	device.restart();
	struct tbk_pool *pool = nullptr;

	REQUIRE_EQ(tbk_pool_open(&device, 0, &pool, nullptr), 0);
	bool is_over = false;

	/* As many checkpoints as there can be. */
	hosted_spawn("sync", [&] {
		while (!is_over) {
			CHECK_EQ(tbk_pool_sync(pool), 0);
			hosted_yield();
		}
	});
	CHECK_EQ(tbk_remove(pool, "base", "s1", 0, nullptr), 0);
	CHECK_EQ(tbk_remove(pool, "gone", nullptr, 0, nullptr), 0);
	while (is_cleaning(pool))
		hosted_yield();
	is_over = true;
	hosted_sleep_ms(10);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
}

} // namespace

TBK_TEST(restore_brings_back_a_pool_in_a_merge)
{
	constexpr u64 moments = 16;
	Town town;
	u32 merging = 0, removing = 0;

	REQUIRE_EQ(town.open(), 0);
	REQUIRE_EQ(town.fill_for_merge(), 0);
	CHECK_EQ(town.close(), 0);
	CrashDevice device(town.device.size(), JournalRig::asynchronous);

	remove_slowly(test, device, town);
	CrashReplay replay(device);

	for (u64 i = 1; i <= moments; i++) {
		Transcript told;

		replay.advance(device.events() * i / moments);
		replay.build(town.device, CrashReplay::all());
		REQUIRE_EQ(told.take(town.device), 0);
		CHECK_EQ(told.lost, 0);
		removing += told.has_flag(TBK_OBJECT_REMOVING);
		for (const auto &object : told.objects)
			merging += object.merged != 0;
		town.round_trip(test, told);
	}
	CHECK(merging > 2);
	CHECK(removing > 2);
}

TBK_TEST(restore_brings_back_many_extents)
{
	Town town(1, 256 << 20);
	Transcript told;

	REQUIRE_EQ(town.open(), 0);
	CHECK_EQ(tbk_volume_create(town.pool, "big", 256 << 20, 0, nullptr), 0);
	CHECK_EQ(town.write_every("big", 0, 50000, 2, 1), 0);
	CHECK_EQ(tbk_snapshot_create(town.pool, "big", "s", nullptr), 0);
	CHECK_EQ(town.write_every("big", 0, 50000, 1000, 2), 0);
	CHECK_EQ(town.close(), 0);
	REQUIRE_EQ(told.take(town.device), 0);
	CHECK(told.count(TBK_DUMP_DATA) > 25000);
	town.round_trip(test, told);
}

/* The old pool had gone on for long since the dump: its catalogs lie there still. */
TBK_TEST(restore_is_newer_than_what_it_replaces)
{
	Town town(1);
	Transcript told;
	Transcript again;
	struct tbk_check repair {};

	REQUIRE_EQ(town.open(), 0);
	CHECK_EQ(tbk_volume_create(town.pool, "a", 4 << 20, 0, nullptr), 0);
	CHECK_EQ(town.write_every("a", 0, 1000, 2, 1), 0);
	CHECK_EQ(town.close(), 0);
	REQUIRE_EQ(told.take(town.device), 0);
	REQUIRE_EQ(tbk_pool_open(&town.device, 0, &town.pool, nullptr), 0);
	for (u64 i = 0; i < 20; i++) {
		CHECK_EQ(town.write_every("a", i, 1000, 50, 2), 0);
		CHECK_EQ(tbk_pool_sync(town.pool), 0);
	}
	CHECK_EQ(town.close(), 0);
	CHECK_EQ(told.restore(town.device), 0);
	for (u64 ring : { format::ring_a, format::ring_b })
		town.device.clear(ring * format::block_size,
				  format::ring_length * format::block_size);
	CHECK_EQ(tbk_pool_repair(&town.device, &repair, nullptr), 0);
	REQUIRE_EQ(again.take(town.device), 0);
	REQUIRE_EQ(again.objects.size(), 1u);
	REQUIRE_EQ(again.trees.size(), 1u);
	const auto &extents = told.trees[0].extents;
	const auto &found = again.trees[0].extents;

	REQUIRE_EQ(found.size(), extents.size());
	for (size_t i = 0; i < found.size(); i++)
		CHECK(found[i].start == extents[i].start && found[i].target == extents[i].target);
}

TBK_TEST(restore_refuses_a_device_that_is_smaller)
{
	Victim victim;
	Transcript told;
	MemoryDevice small(victim.rig.device.size() - 4096);
	struct tbk_why why {};

	REQUIRE(victim.is_ok());
	REQUIRE_EQ(told.take(victim.rig.device), 0);
	CHECK_EQ(told.restore(small, 0, &why), -TBK_EOVERFLOW);
	CHECK_EQ(small.counts().writes, 0);
	CHECK(strstr(why.text, "the pool of the dump") != nullptr);
}

namespace {

/* A volume, its snapshot and a clone of that, each with something of its own. */
void fill(struct kunit *test, Town &town)
{
	REQUIRE_EQ(town.open(), 0);
	CHECK_EQ(tbk_volume_create(town.pool, "base", 4 << 20, 0, nullptr), 0);
	CHECK_EQ(town.write_every("base", 0, 1000, 2, 1), 0);
	CHECK_EQ(tbk_snapshot_create(town.pool, "base", "s", nullptr), 0);
	CHECK_EQ(tbk_clone_create(town.pool, "base", "s", "clone", 0, nullptr), 0);
	CHECK_EQ(town.write_every("clone", 0, 1000, 50, 2), 0);
	CHECK_EQ(town.write_every("base", 1, 1000, 90, 3), 0);
	CHECK_EQ(town.close(), 0);
}

constexpr u32 base_id = 1, snapshot_id = 2, clone_id = 3;

/* The first extent in that state. */
struct tbk_dump_extent &extent_of(Transcript &told, u32 id, u32 state)
{
	for (auto &extent : told.tree(id).extents) {
		if (extent.state == state)
			return extent;
	}
	return told.tree(id).extents.front();
}

} // namespace

TBK_TEST(restore_is_cut_off_at_any_write)
{
	Town town;
	Transcript told;
	u32 whole = 0, none = 0;

	fill(test, town);
	REQUIRE_EQ(told.take(town.device), 0);
	CrashDevice device(town.device.size(), JournalRig::asynchronous);

	device.copy_from(town.device);
	device.restart();
	REQUIRE_EQ(told.restore(device), 0);
	CrashReplay replay(device);

	for (u64 at = 0; at <= device.events(); at++) {
		replay.advance(at);
		MemoryDevice image(device.size(), JournalRig::asynchronous);
		Findings findings;
		Transcript found;

		replay.build(image, at % 3 == 0	  ? CrashReplay::none()
				    : at % 3 == 1 ? CrashReplay::all()
						  : CrashReplay::random(at, true));
		if (found.take(image) == -TBK_EMEDIUMTYPE) {
			none++;
			continue;
		}
		/* Either nothing has happened but to copies of the superblock, or all. */
		CHECK(found.is_like(told));
		CHECK_EQ(found.pool.checkpoint >= told.pool.checkpoint, true);
		CHECK_EQ(findings.check(image), 0);
		CHECK(!findings.has(TBK_FINDING_DAMAGED, ""));
		whole++;
	}
	CHECK(none > 10);
	CHECK(whole > 1);
}

namespace {

struct Nonsense {
	const char *reason;
	void (*spoil)(Transcript &told);
};

const Nonsense nonsense[] = {
	{ "where something else lies",
	  [](Transcript &told) {
		  auto &extents = told.tree(snapshot_id).extents;

		  extents[5].target = extents[9].target;
	  } },
	{ "where no data can be",
	  [](Transcript &told) {
		  extent_of(told, snapshot_id, 1).target = 17;
	  } },
	{ "where no data can be",
	  [](Transcript &told) {
		  extent_of(told, snapshot_id, 1).target = told.pool.blocks;
	  } },
	{ "born when it cannot",
	  [](Transcript &told) {
		  extent_of(told, snapshot_id, 1).birth = 2;
	  } },
	{ "overlaps",
	  [](Transcript &told) {
		  auto &extents = told.tree(snapshot_id).extents;

		  std::swap(extents[5], extents[6]);
	  } },
	{ "lies past the end",
	  [](Transcript &told) {
		  for (auto &object : told.objects)
			  object.size = 500;
	  } },
	{ "parent has not got it there",
	  [](Transcript &told) {
		  for (auto &extent : told.tree(clone_id).extents)
			  extent.target += extent.birth == 1 && extent.state == 1;
	  } },
	{ "blocks of its own and is said to have",
	  [](Transcript &told) {
		  told.objects[2].own++;
	  } },
	{ "blocks and is said to map",
	  [](Transcript &told) {
		  told.objects[0].mapped--;
	  } },
	{ "its parent is no snapshot",
	  [](Transcript &told) {
		  told.objects[2].parent = 1;
	  } },
	{ "its parent is no snapshot",
	  [](Transcript &told) {
		  told.objects[2].parent = 77;
	  } },
	{ "its parent is no snapshot",
	  [](Transcript &told) {
		  told.objects[1].parent = 77;
	  } },
	{ "a merge is said to be",
	  [](Transcript &told) {
		  told.objects[2].merged = 9;
	  } },
	{ "two of that name",
	  [](Transcript &told) {
		  strcpy(told.objects[2].name, "base");
	  } },
	{ "its volume is not there",
	  [](Transcript &told) {
		  strcpy(told.objects[1].volume, "nobody");
	  } },
	{ "its name is none",
	  [](Transcript &told) {
		  told.objects[0].name[0] = '/';
	  } },
	{ "the pool: its name is none",
	  [](Transcript &told) {
		  told.pool.name[0] = 0;
	  } },
	{ "no pool is of that size",
	  [](Transcript &told) {
		  told.pool.blocks = 100;
	  } },
	{ "its journal is larger",
	  [](Transcript &told) {
		  told.pool.journal_blocks = told.pool.blocks;
	  } },
	{ "ids go up",
	  [](Transcript &told) {
		  told.objects[0].id = 3;
	  } },
	{ "and the extents of 2",
	  [](Transcript &told) {
		  told.trees.pop_back();
	  } },
	{ "out of order, or twice",
	  [](Transcript &told) {
		  std::swap(told.trees[0], told.trees[1]);
	  } },
	{ "is said to be its parent's",
	  [](Transcript &told) {
		  told.tree(snapshot_id).extents = { { 0, 5, TBK_DUMP_SAME, 0, 0 } };
	  } },
	{ "no volume or snapshot with id 9",
	  [](Transcript &told) {
		  told.trees[0].id = 9;
	  } },
};

} // namespace

TBK_TEST(restore_refuses_what_makes_no_sense)
{
	Town town;
	Transcript told;

	fill(test, town);
	REQUIRE_EQ(told.take(town.device), 0);
	for (const Nonsense &one : nonsense) {
		Transcript spoilt = told;
		struct tbk_why why {};
		const u64 writes = town.device.counts().writes;

		one.spoil(spoilt);
		CHECK_EQ(spoilt.restore(town.device, 0, &why), -TBK_EINVAL);
		CHECK_EQ(town.device.counts().writes, writes);
		if (!strstr(why.text, one.reason))
			CHECK_EQ(static_cast<const char *>(why.text), one.reason);
	}
}

namespace {

/* One of its numbers is another. */
void spoil_any(Transcript &told, Random &random)
{
	const u64 values[] = { 0, 1, 2, 3, 1000, random.below(1 << 20), ~0ull >> 20, ~0ull };
	const u64 value = values[random.below(sizeof(values) / sizeof(values[0]))];
	auto &tree = told.trees[random.below(told.trees.size())];
	auto &object = told.objects[random.below(told.objects.size())];
	auto &extent = tree.extents[random.below(tree.extents.size())];
	u64 *const fields[] = { &extent.start,	    &extent.count,	&extent.target,
				&extent.birth,	    &object.size,	&object.since,
				&object.generation, &object.own,	&object.mapped,
				&object.merged,	    &object.merge_gone, &object.quota,
				&object.reserve,    &told.pool.blocks,	&told.pool.generation };
	u32 *const narrow[] = { &extent.state,	 &object.id, &object.parent,	&object.flags,
				&object.on_full, &tree.id,   &told.pool.next_id };
	const u64 which = random.below(sizeof(fields) / sizeof(fields[0]) +
				       sizeof(narrow) / sizeof(narrow[0]));

	if (which < sizeof(fields) / sizeof(fields[0]))
		*fields[which] = value;
	else
		*narrow[which - sizeof(fields) / sizeof(fields[0])] = static_cast<u32>(value);
}

} // namespace

/* What is not refused is sound. */
TBK_TEST(restore_refuses_any_wrong_number)
{
	Town town;
	Transcript told;
	Random random;
	u32 refused = 0;

	fill(test, town);
	REQUIRE_EQ(told.take(town.device), 0);
	for (u32 i = 0; i < 400; i++) {
		Transcript spoilt = told;
		MemoryDevice device(town.device.size());
		Findings findings;

		spoil_any(spoilt, random);
		const int error = spoilt.restore(device);

		refused += error != 0;
		if (error) {
			CHECK_EQ(device.counts().writes, 0);
			continue;
		}
		CHECK_EQ(findings.check(device), 0);
		findings.tell(test);
	}
	CHECK(refused > 200);
}

TBK_TEST(restore_goes_without_what_was_lost)
{
	Town town;
	Transcript told;
	Findings findings;
	struct tbk_why why {};

	fill(test, town);
	REQUIRE_EQ(told.take(town.device), 0);
	auto &extents = told.tree(clone_id).extents;

	for (auto &extent : extents) {
		if (extent.state == TBK_DUMP_DATA && extent.birth > 1)
			extent = { extent.start, extent.count, TBK_DUMP_LOST, 0, 0 };
	}
	CHECK_EQ(told.restore(town.device, 0, &why), -TBK_EINVAL);
	CHECK(strstr(why.text, "could not be read when the dump was made") != nullptr);
	CHECK(strstr(why.hint, "--force") != nullptr);
	CHECK_EQ(told.restore(town.device, TBK_RESTORE_LOST, &why), 0);
	CHECK_EQ(findings.check(town.device), 0);
	findings.tell(test);
	Transcript again;

	CHECK_EQ(again.take(town.device), 0);
	CHECK_EQ(again.objects[2].own, 0);
	CHECK(again.objects[2].mapped > 0);
	/* It reads as an error still. */
	const auto &left = again.tree(clone_id).extents;

	CHECK(std::any_of(left.begin(), left.end(), [](const struct tbk_dump_extent &extent) {
		return extent.state == TBK_DUMP_LOST;
	}));
	CHECK_EQ(again.objects[1].own, told.objects[1].own);
}
