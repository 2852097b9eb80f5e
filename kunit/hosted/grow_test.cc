// SPDX-License-Identifier: GPL-2.0
/* A pool takes up what its device has gained. */
#include <memory>
#include <string.h>
#include <string>

#include <thinback/entry.h>
#include <thinback/format/superblock.h>

#include "../../drivers/hosted/crash_device.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../store/damage.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 gib = 1 << 30;
constexpr u64 tib = 1ull << 40;

MemoryDevice::Options asynchronous()
{
	MemoryDevice::Options options;

	options.asynchronous = true;
	return options;
}

int write_one(struct tbk_volume *volume, char name, u64 block)
{
	auto data = std::make_unique<u8[]>(4096);

	fill_block(data.get(), name, block, 1);
	return do_request(volume, TBK_OP_WRITE, block, data.get(), 1);
}

/* Opens the volume for as long as that takes. */
int write_some(struct tbk_pool *pool, char name, u64 first, u64 count)
{
	const char text[] = { name, 0 };
	struct tbk_volume *volume = nullptr;
	int error = tbk_volume_open(pool, text, nullptr, 0, &volume, nullptr);

	if (error)
		return error;
	for (u64 block = first; block < first + count && !error; block++)
		error = write_one(volume, name, block);
	tbk_volume_close(volume);
	return error;
}

bool holds(struct tbk_pool *pool, char name, u64 first, u64 count)
{
	alignas(4096) static u8 data[4096];
	const char text[] = { name, 0 };
	struct tbk_volume *volume = nullptr;
	bool is_right = tbk_volume_open(pool, text, nullptr, 0, &volume, nullptr) == 0;

	if (!is_right)
		return false;
	for (u64 block = first; block < first + count && is_right; block++)
		is_right = do_request(volume, TBK_OP_READ, block, data, 1) == 0 &&
			   is_block(data, name, block, 1);
	tbk_volume_close(volume);
	return is_right;
}

/* A pool on a device of its own. */
struct Rig {
	explicit Rig(u64 bytes) : device(bytes, asynchronous())
	{
		const struct tbk_format_options options = { "tank", { 7 }, 4 * mib };

		if (!tbk_pool_format(&device, &options, nullptr))
			open(0);
	}
	~Rig()
	{
		if (pool)
			close();
	}
	Rig(const Rig &) = delete;
	Rig &operator=(const Rig &) = delete;

	void open(u32 flags)
	{
		if (tbk_pool_open(&device, flags, &pool, nullptr))
			pool = nullptr;
	}
	int close()
	{
		struct tbk_pool *closing = pool;

		pool = nullptr;
		return tbk_pool_close(closing, nullptr);
	}
	struct tbk_pool_info about()
	{
		struct tbk_pool_info info {};

		tbk_pool_describe(pool, &info);
		return info;
	}
	/* A volume for each letter, with some of each. */
	int add(const char *names)
	{
		int error = 0;

		for (; *names && !error; names++) {
			const char text[] = { *names, 0 };

			error = tbk_volume_create(pool, text, 256 * mib, nullptr);
			if (!error)
				error = write_some(pool, *names, 100, 30);
		}
		return error ? error : tbk_pool_settle(pool);
	}
	bool holds_all(const char *names)
	{
		for (; *names; names++) {
			if (!holds(pool, *names, 100, 30))
				return false;
		}
		return true;
	}
	void verify(struct kunit *test)
	{
		Findings findings;

		CHECK_EQ(findings.check(device), 0);
		findings.tell(test);
	}
	int grow(u64 bytes, u64 &size)
	{
		device.resize(bytes);
		return tbk_pool_grow(pool, &size, nullptr);
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
};

struct Step {
	u64 from;
	u64 to;
};

/* Volumes live in different groups, so those made later are in what is new. */
void compare_with_new(struct kunit *test, const Step &step)
{
	Rig fresh(step.to);
	Rig grown(step.from);
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
	Rig rig(64 * mib);
	u64 size = 0;
	u64 done = 0;

	REQUIRE(rig.pool);
	CHECK_EQ(tbk_volume_create(rig.pool, "a", 256 * mib, nullptr), 0);
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
	Rig rig(gib);
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
	Rig rig(100 * mib);
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
	Rig rig(100 * mib);
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
	Rig rig(300 * tib);
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
	Rig rig(100 * mib);
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
		Rig rig(gib + 100 * mib);
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

namespace {

/* What was recorded, and when. */
struct Record {
	Record(u64 from, u64 to) : device(from, asynchronous()), step{ from, to } {}

	CrashDevice device;
	Step step;
	u64 grown = 0;	 /* events when the growth was said to be durable */
	u64 flushed = 0; /* ... and when what had been written then was flushed */
	u64 blocks = 0;	 /* how many of `a` those are */
};

constexpr u64 old_blocks = 64; /* of volume `o`, before all that */

/* Writers that never stop, flushing now and then: blocks are wanted before, while, and after the pool grows. */
void write_until(struct kunit *test, struct tbk_pool *pool, char name, const bool &is_over,
		 u64 &written)
{
	const char text[] = { name, 0 };
	struct tbk_volume *volume = nullptr;

	CHECK_EQ(tbk_volume_open(pool, text, nullptr, 0, &volume, nullptr), 0);
	while (volume && !is_over) {
		if (write_one(volume, name, written) == 0)
			written++;
		else
			hosted_yield();
		if (written % 3 == 0)
			(void)do_request(volume, TBK_OP_FLUSH, 0, nullptr, 0);
	}
	if (volume)
		tbk_volume_close(volume);
}

/* Full but for some blocks, when it is small. */
int fill(struct tbk_pool *pool, bool is_small)
{
	int error = tbk_volume_create(pool, "o", 256 * mib, nullptr);

	if (!error)
		error = write_some(pool, 'o', 0, old_blocks);
	for (char name = 'a'; name <= 'e' && !error; name++) {
		const char text[] = { name, 0 };

		error = tbk_volume_create(pool, text, 256 * mib, nullptr);
	}
	if (!error && is_small && write_some(pool, 'o', 1000, 1 << 20) != -TBK_ENOSPC)
		error = -TBK_EIO;
	return error;
}

void record(struct kunit *test, Record &made)
{
	const struct tbk_format_options options = { "tank", { 9 }, 4 * mib };
	struct tbk_pool *pool = nullptr;
	bool is_over = false;
	u64 written[3] = {};
	u32 ended = 0;
	u64 size = 0;

	REQUIRE_EQ(tbk_pool_format(&made.device, &options, nullptr), 0);
	REQUIRE_EQ(tbk_pool_open(&made.device, 0, &pool, nullptr), 0);
	CHECK_EQ(fill(pool, made.step.from < 100 * mib), 0);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	made.device.restart();
	made.device.resize(made.step.to);
	REQUIRE_EQ(tbk_pool_open(&made.device, 0, &pool, nullptr), 0);
	for (u32 i = 0; i < 3; i++)
		hosted_spawn("writer", [&, i] {
			write_until(test, pool, static_cast<char>('a' + i), is_over, written[i]);
			ended++;
		});
	for (u32 i = 0; i < 10; i++)
		hosted_yield();
	CHECK_EQ(tbk_pool_grow(pool, &size, nullptr), 0);
	CHECK_EQ(size, made.step.to);
	made.grown = made.device.events();
	const u64 before = written[0];

	/* These have no home yet: they find one in what is new. */
	CHECK_EQ(write_some(pool, 'd', 0, 12), 0);
	CHECK_EQ(write_some(pool, 'e', 0, 12), 0);
	while (written[0] < before + 12)
		hosted_yield();
	is_over = true;
	while (ended < 3)
		hosted_sleep_ms(1);
	CHECK_EQ(tbk_pool_sync(pool), 0);
	made.flushed = made.device.events();
	made.blocks = written[0];
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
}

/* The old size or the new one, sound, with all that was durable; and every block of it can be had. */
u64 inspect(struct kunit *test, const Record &made, MemoryDevice &image, u64 at)
{
	struct tbk_pool *pool = nullptr;
	struct tbk_pool_info info {};
	Findings findings;
	u64 size = 0;

	CHECK_EQ(findings.check(image), 0);
	findings.tell(test);
	if (tbk_pool_open(&image, 0, &pool, nullptr)) {
		CHECK(!"the pool can be opened");
		return 0;
	}
	tbk_pool_describe(pool, &info);
	const u64 found = info.size;

	CHECK(found == made.step.to || (found == made.step.from && at < made.grown));
	CHECK(holds(pool, 'o', 0, old_blocks));
	CHECK(at < made.flushed || holds(pool, 'a', 0, made.blocks));
	CHECK(at < made.flushed || (holds(pool, 'd', 0, 12) && holds(pool, 'e', 0, 12)));
	CHECK_EQ(tbk_pool_grow(pool, &size, nullptr), 0);
	CHECK_EQ(size, made.step.to);
	for (char name = 'a'; name <= 'e'; name++)
		CHECK_EQ(write_some(pool, name, 5000, 20), 0);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	Findings after;

	CHECK_EQ(after.check(image), 0);
	after.tell(test);
	return found;
}

void cut_everywhere(struct kunit *test, u64 from, u64 to)
{
	Record made(from, to);
	u32 old = 0;
	u32 grown = 0;

	record(test, made);
	CrashReplay replay(made.device);

	for (u64 at = 0; at <= made.device.events(); at++) {
		MemoryDevice image(made.device.size(), asynchronous());

		replay.advance(at);
		replay.build(image, at % 3 == 0	  ? CrashReplay::none()
				    : at % 3 == 1 ? CrashReplay::all()
						  : CrashReplay::random(at, true));
		const u64 found = inspect(test, made, image, at);

		old += found == from;
		grown += found == to;
	}
	CHECK(old > 0 && grown > 0);
}

} // namespace

TBK_TEST(grow_survives_power_cut_within_a_group)
{
	cut_everywhere(test, 64 * mib, 96 * mib);
}

TBK_TEST(grow_survives_power_cut_across_groups)
{
	cut_everywhere(test, gib - 8 * mib, 3 * gib + 100 * mib);
}
