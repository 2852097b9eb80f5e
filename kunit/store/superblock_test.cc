// SPDX-License-Identifier: GPL-2.0
/* Which of 16 superblocks is the pool. */
#include "../../drivers/store/superblock.h"
#include "../harness/check.h"
#include "damage.h"

using namespace thinback;

namespace {

using Spoil = void (*)(format::Superblock &super);

/* The newest one says something else, in both rings; those before it are as they were. */
Status change_newest(DamagedPool &pool, Spoil spoil)
{
	auto buffer = TBK_TRY(make<BlockImage>());
	format::Superblock super = pool.super;

	constexpr Ring rings[] = { Ring::a, Ring::b };

	spoil(super);
	for (Ring ring : rings) {
		const PhysicalBlock at = seal_superblock(super, ring, buffer.get());

		TBK_TRY(pool.write(at.raw(), buffer.get()));
	}
	return {};
}

int try_open(DamagedPool &pool, u32 flags)
{
	struct tbk_pool *opened = nullptr;
	const int error = tbk_pool_open(pool.device.get(), flags, &opened, nullptr);

	if (!error)
		(void)tbk_pool_close(opened, nullptr);
	return error;
}

} // namespace

/* What the one before it leads to has been given to others since. */
TBK_TEST(superblock_of_a_newer_version_is_not_passed_by)
{
	const Spoil spoils[] = {
		[](format::Superblock &super) { super.version.set(format::version + 1); },
		[](format::Superblock &super) { super.incompatible.set(1); },
		[](format::Superblock &super) { super.policy.set(1u << 31); },
	};
	for (const Spoil spoil : spoils) {
		REQUIRE_DAMAGED_POOL(pool);
		const u64 writes = pool.device->writes();

		CHECK_OK(change_newest(pool, spoil));
		CHECK_EQ(try_open(pool, 0), -TBK_EPROTO);
		CHECK_EQ(try_open(pool, TBK_POOL_READ_ONLY), -TBK_EPROTO);
		CHECK_EQ(pool.findings->check(*pool.device), -TBK_EPROTO);
		CHECK_EQ(pool.findings->repair(*pool.device), -TBK_EPROTO);
		CHECK_EQ(pool.device->writes(), writes);
	}
}

TBK_TEST(superblock_with_new_features_is_only_read)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 writes = pool.device->writes();

	CHECK_OK(change_newest(pool, [](format::Superblock &super) { super.read_only.set(1); }));
	CHECK_EQ(try_open(pool, 0), -TBK_EROFS);
	CHECK_EQ(pool.findings->repair(*pool.device), -TBK_EROFS);
	CHECK_EQ(try_open(pool, TBK_POOL_READ_ONLY), 0);
	CHECK_EQ(pool.findings->check(*pool.device), 0);
	CHECK_EQ(pool.device->writes(), writes);
	CHECK_OK(change_newest(pool, [](format::Superblock &super) { super.compatible.set(1); }));
	CHECK_EQ(try_open(pool, 0), 0);
}

/* The second ring follows in its own time: the first may be the only one that has it. */
TBK_TEST(superblock_beside_a_bad_sector_is_found)
{
	REQUIRE_DAMAGED_POOL(pool);
	const u64 newest = pool.super.header.checkpoint.get();
	format::Superblock &super = pool.super;

	CHECK_OK(pool.flip(format::ring_b + newest % format::ring_length, 100, 1));
	pool.device->fail_read(1);
	CHECK_OK(read_superblock(*pool.device, super));
	CHECK_EQ(super.header.checkpoint.get(), newest);
}
