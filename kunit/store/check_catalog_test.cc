// SPDX-License-Identifier: GPL-2.0
/* Records of the catalog that make no sense, or none together. */
#include "../harness/check.h"
#include "damage.h"

using namespace thinback;

namespace {

using Record = format::CatalogRecord;

/* Spoils a record and looks for what check says of it. */
#define CHECK_SPOILT(pool, id, spoil, kind, text)                    \
	do {                                                         \
		CHECK_OK((pool).spoil_record(id, spoil));            \
		CHECK_EQ((pool).findings->check(*(pool).device), 0); \
		CHECK((pool).findings->has(kind, text));             \
		if (!(pool).findings->has(kind, text))               \
			(pool).findings->tell(test);                 \
	} while (0)

} // namespace

TBK_TEST(check_catalog_finds_name_that_is_none)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.name[0] = '-'; },
		TBK_FINDING_DAMAGED, "volume with id 4: its name is none");
	CHECK_EQ(pool.findings->count(), 1);
}

TBK_TEST(check_catalog_finds_two_of_a_name)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.name[0] = 'b'; },
		TBK_FINDING_DAMAGED, "volume b: there are two of that name, with ids 3 and 4");
	CHECK_EQ(pool.findings->count(), 1);
}

TBK_TEST(check_catalog_finds_snapshot_without_its_volume)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_s, [](Record &record) { record.volume[0] = 'x'; },
		TBK_FINDING_DAMAGED, "snapshot x@s: its volume is not there");
	CHECK_EQ(pool.findings->count(), 1);
}

TBK_TEST(check_catalog_finds_parent_that_is_not_there)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_b, [](Record &record) { record.parent.set(77); },
		TBK_FINDING_DAMAGED, "volume b: its parent, with id 77, is not there");
}

TBK_TEST(check_catalog_finds_parent_that_is_no_snapshot)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_b,
		[](Record &record) { record.parent.set(DamagedPool::id_c); }, TBK_FINDING_DAMAGED,
		"volume b: descends from generation 1, and its parent, volume c, is of 0");
}

TBK_TEST(check_catalog_finds_since_without_a_parent)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.since.set(1); },
		TBK_FINDING_DAMAGED, "volume c: has no parent, and shares what is older");
}

TBK_TEST(check_catalog_finds_since_that_is_not_the_parents)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_b, [](Record &record) { record.since.set(0); },
		TBK_FINDING_DAMAGED, "volume b: descends from generation 0");
}

TBK_TEST(check_catalog_finds_parents_in_a_circle)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_s,
		[](Record &record) {
			record.parent.set(DamagedPool::id_s);
			record.since.set(record.generation.get());
		},
		TBK_FINDING_DAMAGED, "snapshot a@s: generation 1, after 1");
}

TBK_TEST(check_catalog_finds_generation_yet_to_come)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_s, [](Record &record) { record.generation.set(50); },
		TBK_FINDING_DAMAGED,
		"snapshot a@s: generation 50, after 0, in a pool that is at 2");
}

TBK_TEST(check_catalog_finds_id_yet_to_be_given)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_OK(pool.spoil_super([](format::Superblock &super) { super.next_id.set(4); }));
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK(pool.findings->has(TBK_FINDING_DAMAGED, "volume c: id 4 is yet to be given"));
	CHECK_EQ(pool.findings->count(), 1);
}

TBK_TEST(check_catalog_finds_unknown_flags)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.flags.set(0x80); },
		TBK_FINDING_DAMAGED, "volume c: unknown flags 0x80");
}

TBK_TEST(check_catalog_finds_hidden_without_children)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c,
		[](Record &record) { record.flags.set(format::catalog_hidden); },
		TBK_FINDING_DAMAGED, "removed volume with id 4: is hidden and should not be");
}

TBK_TEST(check_catalog_finds_removing_with_children)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_s,
		[](Record &record) {
			record.flags.set(format::catalog_snapshot | format::catalog_removing);
		},
		TBK_FINDING_DAMAGED,
		"removed snapshot with id 2: is being freed and has 2 children");
}

TBK_TEST(check_catalog_finds_size_of_nothing)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.size.set(0); },
		TBK_FINDING_DAMAGED, "volume c: a size of 0 blocks");
}

TBK_TEST(check_catalog_finds_limits_that_are_none)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.quota.set(1ull << 40); },
		TBK_FINDING_DAMAGED, "volume c: a quota of 1099511627776 blocks");
}

TBK_TEST(check_catalog_finds_unknown_policy)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_c, [](Record &record) { record.on_full.set(3); },
		TBK_FINDING_DAMAGED, "volume c: unknown policy 3 for a full pool");
}

TBK_TEST(check_catalog_finds_limits_of_a_snapshot)
{
	REQUIRE_DAMAGED_POOL(pool);

	CHECK_SPOILT(
		pool, DamagedPool::id_s, [](Record &record) { record.reserve.set(3); },
		TBK_FINDING_DAMAGED, "snapshot a@s: has a quota, a reserve or a policy");
}
