// SPDX-License-Identifier: GPL-2.0
/* Pools that are told of, lost, and made again of what was told. */
#include <string.h>

#include <string>

#include "../harness/check.h"
#include "../store/damage.h"
#include "dump_town.h"
#include "journal_rig.h"
#include "victim.h"

using namespace thinback;

TBK_TEST(dump_tells_what_attach_would_show)
{
	JournalRig rig;
	Transcript before, after;

	REQUIRE(rig.is_ok());
	(void)tbk_pool_settle(rig.pool);
	for (u64 block = 0; block < 20; block++) {
		CHECK_EQ(rig.write(block * 2, block + 1), 0);
		CHECK_EQ(rig.flush(), 0);
	}
	rig.stop();
	/* All of it is in the journal alone. */
	REQUIRE_EQ(before.take(rig.device), 0);
	CHECK_EQ(before.count(TBK_DUMP_DATA), 20);
	CHECK_EQ(before.objects.at(0).own, 20);
	rig.start();
	REQUIRE(rig.is_ok());
	rig.leave();
	REQUIRE_EQ(tbk_pool_close(rig.pool, nullptr), 0);
	rig.pool = nullptr;
	REQUIRE_EQ(after.take(rig.device), 0);
	CHECK(after.is_like(before));
	REQUIRE_EQ(after.count(TBK_DUMP_DATA), 20);
	for (size_t i = 0; i < 20; i++)
		CHECK_EQ(after.trees[0].extents[i].target, before.trees[0].extents[i].target);
}

TBK_TEST(dump_writes_nothing)
{
	Victim victim;
	Transcript told;

	REQUIRE(victim.is_ok());
	const u64 writes = victim.rig.device.counts().writes;

	REQUIRE_EQ(told.take(victim.rig.device), 0);
	CHECK_EQ(told.lost, 0);
	CHECK_EQ(victim.rig.device.counts().writes, writes);
}

/* Not even what it could heal, of a pool that cannot be opened. */
TBK_TEST(dump_heals_nothing)
{
	auto made = DamagedPool::create();
	REQUIRE_OK(made);
	DamagedPool &pool = *made.value();
	const u64 root = pool.find_node(DamagedPool::id_c, 0);
	Transcript told;
	u8 before[4096];
	u8 after[4096];

	REQUIRE(root != 0);
	CHECK_OK(pool.spoil_record(DamagedPool::id_b,
				   [](format::CatalogRecord &record) { record.parent.set(77); }));
	CHECK_OK(pool.flip(root, 200, 1));
	pool.read(root, before);
	REQUIRE_EQ(told.take(*pool.device), 0);
	CHECK(told.lost > 0);
	CHECK(told.count(TBK_DUMP_DATA) > 0);
	pool.read(root, after);
	CHECK_EQ(memcmp(before, after, sizeof(before)), 0);
}

TBK_TEST(dump_tells_shared_subtrees_once)
{
	Town town;
	Transcript told;

	REQUIRE_EQ(town.open(), 0);
	CHECK_EQ(tbk_volume_create(town.pool, "base", 4 << 20, 0, nullptr), 0);
	for (u64 block = 0; block < 1000; block += 2)
		CHECK_EQ(town.write("base", block, 1), 0);
	CHECK_EQ(tbk_snapshot_create(town.pool, "base", "s", nullptr), 0);
	for (int i = 0; i < 100; i++) {
		const std::string name = "clone" + std::to_string(i);

		CHECK_EQ(tbk_clone_create(town.pool, "base", "s", name.c_str(), 0, nullptr), 0);
	}
	CHECK_EQ(town.write("clone7", 0, 2), 0);
	CHECK_EQ(town.close(), 0);
	REQUIRE_EQ(told.take(town.device), 0);
	CHECK(told.count(TBK_DUMP_DATA) < 1000);
	CHECK_EQ(told.count(TBK_DUMP_SAME), 101);
	town.round_trip(test, told);
}

TBK_TEST(dump_of_no_pool_is_refused)
{
	MemoryDevice device(64 << 20);
	Transcript told;
	struct tbk_why why {};

	CHECK_EQ(told.take(device, &why), -TBK_EMEDIUMTYPE);
	CHECK(strstr(why.text, "holds no thinback pool") != nullptr);
}

TBK_TEST(dump_names_what_cannot_be_read)
{
	Victim victim;
	Random random;
	u32 lost = 0;

	REQUIRE(victim.is_ok());
	for (u32 i = 0; i < 300; i++) {
		Transcript told;

		(void)victim.spoil(random);
		const bool was_damaged = victim.rig.is_damaged();
		const int error = told.take(victim.rig.device);

		CHECK(error == 0 || error == -TBK_EMEDIUMTYPE || error == -TBK_EUCLEAN ||
		      error == -TBK_EIO || error == -TBK_EPROTO);
		CHECK(was_damaged || told.lost == 0);
		/* All that is there and told of is right, or refused. */
		if (error == 0 && told.lost == 0)
			CHECK(was_damaged || told.objects.size() == 3);
		lost += told.lost > 0;
	}
	CHECK(lost > 30);
	victim.restore();
}

TBK_TEST(dump_ends_when_told_to)
{
	Victim victim;
	struct tbk_dump dump {};

	REQUIRE(victim.is_ok());
	dump.pool = [](struct tbk_dump *in, const struct tbk_dump_pool *) {
		in->error = -TBK_ENOSPC;
	};
	dump.object = [](struct tbk_dump *, const struct tbk_dump_object *) {
		tbk_log(TBK_LOG_ERROR, "told of more");
		__builtin_trap();
	};
	CHECK_EQ(tbk_pool_dump(&victim.rig.device, &dump, nullptr), -TBK_ENOSPC);
}
