// SPDX-License-Identifier: GPL-2.0
/* A pool takes up what its device has gained. */
#include <string.h>

#include "grow_rig.h"

using namespace thinback;

namespace {

/* Volumes live in different groups, so those made later are in what is new. */
void compare_with_new(struct kunit *test, const Step &step)
{
	GrowRig fresh(step.to);
	GrowRig grown(step.from);
	u64 size = 0;

	REQUIRE(fresh.pool && grown.pool);
	CHECK_EQ(fresh.add("abcdef"), 0);
	CHECK_EQ(grown.add("ab"), 0);
	CHECK_EQ(grown.grow(step.to, size), 0);
	CHECK_EQ(size, fresh.about().size);
	CHECK_EQ(grown.about().size, size);
	CHECK_EQ(grown.add("cdef"), 0);
	CHECK_EQ(grown.about().free, fresh.about().free);
	grown.verify(test);
	CHECK_EQ(grown.close(), 0);
	grown.verify(test);
	grown.open(0);
	REQUIRE(grown.pool);
	CHECK_EQ(grown.about().size, size);
	CHECK_EQ(grown.about().free, fresh.about().free);
	CHECK(grown.holds_all("abcdef"));
}

} // namespace

TBK_TEST(grow_makes_what_a_new_pool_would_be)
{
	const Step steps[] = {
		{ 64 * mib, 100 * mib },
		{ 128 * mib, gib },
		{ gib, gib + 200 * mib },
		{ gib, 2 * gib },
		{ gib - 4096, 3 * gib + 77 * mib },
		{ gib + 3 * mib, 2 * gib + 4096 * 10 }, /* too little for another group */
		{ 167 * gib + 300 * mib, 168 * gib + 500 * mib },
		{ 168 * gib, 169 * gib },
		{ 100 * mib, 400 * gib },
	};

	for (const Step &step : steps)
		compare_with_new(test, step);
}

TBK_TEST(grow_lets_writes_go_on_that_waited)
{
	const struct tbk_volume_limits pause = { TBK_LIMIT_ON_FULL, TBK_FULL_PAUSE, 0, 0, 0, 0 };
	GrowRig rig(64 * mib);
	u64 size = 0;
	u64 done = 0;

	REQUIRE(rig.pool);
	CHECK_EQ(tbk_volume_create(rig.pool, "a", 256 * mib, 0, nullptr), 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "a", &pause, nullptr), 0);
	constexpr u64 more = 20000; /* blocks: more than there is room for, by a quarter */
	bool is_over = false;

	hosted_spawn("writer", [&] {
		struct tbk_volume *volume = nullptr;

		CHECK_EQ(tbk_volume_open(rig.pool, "a", nullptr, 0, &volume, nullptr), 0);
		while (volume && done < more && write_one(volume, 'a', done) == 0)
			done++;
		if (volume)
			tbk_volume_close(volume);
		is_over = true;
	});
	while (rig.about().level != TBK_LEVEL_FULL && !is_over)
		hosted_sleep_ms(10);
	CHECK(done < more);
	CHECK_EQ(rig.grow(128 * mib, size), 0);
	CHECK_EQ(size, 128 * mib);
	while (!is_over)
		hosted_sleep_ms(10);
	CHECK_EQ(done, more);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
	CHECK(holds(rig.pool, 'a', 0, more));
	rig.verify(test);
}

TBK_TEST(grow_by_nothing_changes_nothing)
{
	GrowRig rig(gib);
	u64 size = 0;

	REQUIRE(rig.pool);
	const u64 writes = rig.device.counts().writes;

	CHECK_EQ(rig.grow(gib, size), 0);
	CHECK_EQ(size, gib);
	/* A part of a block, and a group without room for its own bitmaps. */
	CHECK_EQ(rig.grow(gib + 512, size), 0);
	CHECK_EQ(rig.grow(gib + 4096 * 50, size), 0);
	CHECK_EQ(size, gib);
	CHECK_EQ(rig.device.counts().writes, writes);
}

TBK_TEST(grow_twice_at_once_is_grown_once)
{
	GrowRig rig(100 * mib);
	u64 sizes[3] = {};
	u32 ended = 0;

	REQUIRE(rig.pool);
	for (u64 i = 0; i < 3; i++)
		hosted_spawn("grow", [&, i] {
			rig.device.resize((200 + i) * mib);
			CHECK_EQ(tbk_pool_grow(rig.pool, &sizes[i], nullptr), 0);
			CHECK(sizes[i] >= (200 + i) * mib);
			ended++;
		});
	while (ended < 3)
		hosted_sleep_ms(1);
	CHECK_EQ(rig.about().size, 202 * mib);
	CHECK_EQ(rig.add("ab"), 0);
	CHECK_EQ(rig.close(), 0);
	rig.verify(test);
}

TBK_TEST(grow_is_refused_on_a_device_that_shrank)
{
	GrowRig rig(100 * mib);
	struct tbk_why why {};
	u64 size = 0;

	REQUIRE(rig.pool);
	rig.device.resize(90 * mib);
	CHECK_EQ(tbk_pool_grow(rig.pool, &size, &why), -TBK_EOVERFLOW);
	CHECK(strstr(why.text, "tank") && strstr(why.text, "memory"));
	CHECK(why.hint[0] != 0);
	rig.device.resize(100 * mib);
}

TBK_TEST(grow_is_refused_beyond_the_largest_pool)
{
	GrowRig rig(300 * tib);
	struct tbk_why why {};
	u64 size = 0;

	REQUIRE(rig.pool);
	CHECK_EQ(rig.grow(400 * tib, size), 0);
	CHECK_EQ(size, 336 * tib);
	CHECK_EQ(tbk_pool_grow(rig.pool, &size, &why), -TBK_EINVAL);
	CHECK(strstr(why.text, "tank"));
	CHECK_EQ(rig.about().size, 336 * tib);
}

TBK_TEST(grow_is_refused_where_nothing_may_be_written)
{
	GrowRig rig(100 * mib);
	u64 size = 0;

	REQUIRE(rig.pool);
	CHECK_EQ(rig.close(), 0);
	rig.open(TBK_POOL_READ_ONLY);
	REQUIRE(rig.pool);
	CHECK_EQ(rig.grow(200 * mib, size), -TBK_EROFS);
	CHECK_EQ(rig.about().size, 100 * mib);
}

TBK_TEST(grow_that_cannot_be_written_is_none)
{
	for (u64 n = 1;; n++) {
		GrowRig rig(gib + 100 * mib);
		u64 size = 0;

		REQUIRE(rig.pool);
		CHECK_EQ(rig.add("ab"), 0);
		const u64 before = rig.about().size;

		rig.device.fail_write(n);
		const int error = rig.grow(3 * gib, size);

		rig.device.fail_write(0);
		if (!error)
			break;
		CHECK_EQ(error, -TBK_EIO);
		CHECK_EQ(rig.about().size, before);
		CHECK_EQ(tbk_pool_grow(rig.pool, &size, nullptr), -TBK_ESHUTDOWN);
		(void)rig.close();
		rig.open(0);
		REQUIRE(rig.pool);
		CHECK_EQ(rig.about().size, before);
		CHECK_EQ(tbk_pool_grow(rig.pool, &size, nullptr), 0);
		CHECK_EQ(rig.add("cd"), 0);
		rig.verify(test);
		CHECK(n < 20);
	}
}
