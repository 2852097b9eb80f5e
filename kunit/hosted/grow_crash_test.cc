// SPDX-License-Identifier: GPL-2.0
/* The power goes while a pool grows: it has the old size, or the new one. */
#include <string.h>
#include <string>

#include <thinback/format/superblock.h>

#include "../../drivers/hosted/crash_device.h"
#include "grow_rig.h"

using namespace thinback;

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
	int error = tbk_volume_create(pool, "o", 256 * mib, 0, nullptr);

	if (!error)
		error = write_some(pool, 'o', 0, old_blocks);
	for (char name = 'a'; name <= 'e' && !error; name++) {
		const char text[] = { name, 0 };

		error = tbk_volume_create(pool, text, 256 * mib, 0, nullptr);
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
