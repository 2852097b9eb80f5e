// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/scope.h>

#include "../harness/check.h"
#include "small_pool.h"

using namespace thinback;

namespace {

constexpr auto extents = format::TreeKind::extents;
constexpr u64 at = 1000;

#define REQUIRE_LEAF(name, block)                  \
	auto name##_put = pool.put_leaf(block, 1); \
	REQUIRE_OK(name##_put);                    \
	const NodePointer name = name##_put.value()

bool is_found(SmallPool &pool, u64 block)
{
	RcuGuard rcu;

	return pool.cache->find(block) != nullptr;
}

/* Reads @count leaves from @first on into the cache, and lets them go. */
bool read_leaves(SmallPool &pool, u64 first, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		auto put = pool.put_leaf(first + i, 1);

		if (!put.is_ok())
			return false;
		auto got = pool.cache->get(put.value(), extents);

		if (!got.is_ok())
			return false;
		pool.cache->unpin(*got.value());
	}
	return true;
}

} // namespace

TBK_TEST(cache_get_reads_node_once)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_LEAF(leaf, at);
	auto first = pool.cache->get(leaf, extents);
	auto second = pool.cache->get(leaf, extents);

	REQUIRE_OK(first);
	REQUIRE_OK(second);
	CHECK(first.value() == second.value());
	CHECK(first.value()->sealed && first.value()->block() == at);
	CHECK_EQ(pool.cache->size(), 1);
	pool.cache->unpin(*first.value());
	pool.cache->unpin(*second.value());
}

TBK_TEST(cache_get_refuses_what_the_parent_did_not_mean)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_LEAF(leaf, at);
	NodePointer wrong = leaf;

	wrong.checksum++;
	CHECK(pool.cache->get(wrong, extents).error() == Err::stale);
	wrong = leaf;
	wrong.birth++;
	CHECK(pool.cache->get(wrong, extents).error() == Err::stale);
	wrong = leaf;
	wrong.level++;
	CHECK(pool.cache->get(wrong, extents).error() == Err::bad_magic);
	CHECK(pool.cache->get(leaf, format::TreeKind::catalog).error() == Err::bad_magic);
	wrong = leaf;
	wrong.block++;
	CHECK(pool.cache->get(wrong, extents).error() == Err::bad_magic);
	CHECK_EQ(pool.cache->size(), 0);
}

TBK_TEST(cache_get_refuses_it_from_memory_as_well)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_LEAF(leaf, at);
	auto got = pool.cache->get(leaf, extents);
	NodePointer wrong = leaf;

	REQUIRE_OK(got);
	wrong.birth++;
	CHECK(pool.cache->get(wrong, extents).error() == Err::stale);
	wrong = leaf;
	wrong.level++;
	CHECK(pool.cache->get(wrong, extents).error() == Err::stale);
	CHECK(pool.cache->get(leaf, format::TreeKind::catalog).error() == Err::stale);
	pool.cache->unpin(*got.value());
	pool.cache->shrink(0);
	CHECK_EQ(pool.cache->size(), 0);
}

TBK_TEST(cache_get_reports_io_error_and_tries_again)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_LEAF(leaf, at);

	pool.device->fail_read(1);
	CHECK(pool.cache->get(leaf, extents).error() == Err::io_error);
	CHECK(!is_found(pool, at));
	auto got = pool.cache->get(leaf, extents);

	REQUIRE_OK(got);
	pool.cache->unpin(*got.value());
}

namespace {

constexpr u64 copy_at = at + 500;

/* The leaf has a second copy, and a bit of the first at @byte is another. */
Result<NodePointer> put_damaged(SmallPool &pool, u32 byte)
{
	NodePointer leaf = TBK_TRY(pool.put_leaf(at, 1));
	u8 *image = static_cast<u8 *>(tbk_alloc(format::block_size, TBK_MAY_SLEEP));
	const auto free_image = ScopeGuard([=] { tbk_free(image); });

	if (!image)
		return Err::no_memory;
	pool.device->read(at * format::block_size, image, format::block_size);
	TBK_TRY(pool.device->write(copy_at * format::block_size, image, format::block_size));
	image[byte] ^= 1;
	TBK_TRY(pool.device->write(at * format::block_size, image, format::block_size));
	leaf.mirror = copy_at;
	return leaf;
}

} // namespace

TBK_TEST(cache_get_reads_the_copy_and_heals)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	constexpr u32 bytes[] = { 0, 9, 20, 47, 63, 64, 4095 };

	for (u32 byte : bytes) {
		const u32 before = pool.cache->healed();
		auto leaf = put_damaged(pool, byte);

		REQUIRE_OK(leaf);
		for (u32 i = 0; i < 2; i++) {
			auto got = pool.cache->get(leaf.value(), extents);

			REQUIRE_OK(got);
			CHECK_EQ(got.value()->block(), at);
			CHECK_EQ(got.value()->mirror, copy_at);
			pool.cache->unpin(*got.value());
			pool.cache->shrink(0);
		}
		CHECK_EQ(pool.cache->healed(), before + 1);
	}
}

TBK_TEST(cache_get_of_a_read_only_pool_heals_nothing)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	auto leaf = put_damaged(pool, 100);
	auto cache = NodeCache::create(*pool.device,
				       { SmallPool::id, pool.super.blocks.get(), ~0ull, true });

	REQUIRE_OK(leaf);
	REQUIRE_OK(cache);
	const u64 writes = pool.device->writes();
	auto got = cache.value()->get(leaf.value(), extents);

	REQUIRE_OK(got);
	cache.value()->unpin(*got.value());
	CHECK_EQ(pool.device->writes(), writes);
}

TBK_TEST(cache_get_refuses_two_bad_copies)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	auto leaf = put_damaged(pool, 100);
	const u64 zero = 0;

	REQUIRE_OK(leaf);
	CHECK_OK(pool.device->write(copy_at * format::block_size, &zero, sizeof(zero)));
	CHECK(pool.cache->get(leaf.value(), extents).error() == Err::bad_checksum);
	CHECK_EQ(pool.cache->size(), 0);
	CHECK_EQ(pool.cache->healed(), 0);
	NodePointer outside = leaf.value();

	outside.mirror = pool.super.blocks.get();
	CHECK(pool.cache->get(outside, extents).error() == Err::bad_checksum);
}

TBK_TEST(cache_find_knows_only_what_was_read)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK(!is_found(pool, at));
	CHECK(pool.cache->get_cached(at) == nullptr);
	CHECK(read_leaves(pool, at, 1));
	CHECK(is_found(pool, at));
	CHECK(!is_found(pool, at + 1));
	pool.cache->shrink(0);
	CHECK(!is_found(pool, at));
}

TBK_TEST(cache_shrink_spares_pinned_and_dirty_nodes)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK(read_leaves(pool, at, 10));
	Node *pinned = pool.cache->get_cached(at + 3);
	Node *dirty = pool.cache->get_cached(at + 7);

	REQUIRE(pinned && dirty);
	dirty->dirty.store_relaxed(1);
	pool.cache->unpin(*dirty);
	pool.cache->shrink(0);
	CHECK_EQ(pool.cache->size(), 2);
	CHECK(is_found(pool, at + 3) && is_found(pool, at + 7));
	pool.cache->unpin(*pinned);
	dirty->dirty.store_relaxed(0);
	pool.cache->shrink(0);
	CHECK_EQ(pool.cache->size(), 0);
}

TBK_TEST(cache_shrink_takes_unused_nodes_first)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	CHECK(read_leaves(pool, at, 8));
	/* The hand goes once round, which clears all marks. */
	pool.cache->shrink(7);
	CHECK(!is_found(pool, at));
	CHECK(is_found(pool, at + 1) && is_found(pool, at + 2));
	pool.cache->shrink(5);
	CHECK(is_found(pool, at + 1) && is_found(pool, at + 2));
	CHECK(!is_found(pool, at + 3) && !is_found(pool, at + 4));
}

TBK_TEST(cache_get_keeps_to_the_limit)
{
	REQUIRE_POOL(pool, format::smallest_pool);

	pool.cache->set_limit(20);
	CHECK(read_leaves(pool, at, 100));
	/* An eighth goes at a time. */
	CHECK(pool.cache->size() <= 20 && pool.cache->size() >= 18);
}

TBK_TEST(cache_dropped_node_lives_until_unpinned)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_LEAF(leaf, at);
	auto first = pool.cache->get(leaf, extents);
	auto second = pool.cache->get(leaf, extents);

	REQUIRE_OK(first);
	REQUIRE_OK(second);
	pool.cache->drop(*first.value());
	CHECK(!is_found(pool, at));
	CHECK_EQ(pool.cache->size(), 1);
	CHECK_EQ(second.value()->header().self.get(), at);
	pool.cache->unpin(*second.value());
	CHECK_EQ(pool.cache->size(), 0);
}

TBK_TEST(cache_block_has_a_new_node_after_drop)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	REQUIRE_LEAF(leaf, at);
	auto old = pool.cache->get(leaf, extents);
	auto pin = pool.cache->get(leaf, extents);

	REQUIRE_OK(old);
	REQUIRE_OK(pin);
	pool.cache->drop(*old.value());
	auto made = pool.cache->prepare(at);

	REQUIRE_OK(made);
	pool.cache->insert_prepared(*made.value());
	Node *found = pool.cache->get_cached(at);
	CHECK(found == made.value() && found != pin.value());
	CHECK(found->dirty.load_relaxed() && !found->sealed);
	pool.cache->unpin(*pin.value());
	pool.cache->unpin(*found);
	pool.cache->drop(*made.value());
}

TBK_TEST(cache_prepared_node_can_be_discarded)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	auto made = pool.cache->prepare(at);

	REQUIRE_OK(made);
	CHECK(!is_found(pool, at));
	CHECK_EQ(made.value()->block(), at);
	pool.cache->discard_prepared(made.value());
}

TBK_TEST(cache_holds_many_nodes_in_few_buckets)
{
	REQUIRE_POOL(pool, format::smallest_pool);
	/* Blocks that fall into the same few buckets: multiples of a large power of two. */
	constexpr u64 step = 1ull << 47;
	Node *nodes[64];

	for (u64 i = 0; i < 64; i++) {
		auto made = pool.cache->prepare((i + 1) * step);

		REQUIRE_OK(made);
		nodes[i] = made.value();
		pool.cache->insert_prepared(*nodes[i]);
	}
	for (u64 i = 0; i < 64; i += 2)
		pool.cache->drop(*nodes[i]);
	for (u64 i = 0; i < 64; i++)
		CHECK_EQ(is_found(pool, (i + 1) * step), i % 2);
	for (u64 i = 1; i < 64; i += 2)
		pool.cache->drop(*nodes[i]);
	CHECK_EQ(pool.cache->size(), 0);
}
