// SPDX-License-Identifier: GPL-2.0
/* The power fails while snapshots are merged: whenever that is, all is whole, and goes on. */
#include <set>
#include <string>
#include <vector>

#include <thinback/entry.h>

#include "../../drivers/hosted/crash_device.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../store/damage.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 blocks = 4096;
constexpr u32 kept = 1; /* what every tenth block of the volume holds all the time */

constexpr MemoryDevice::Options asynchronous = { .asynchronous = true };

int write_blocks_of(struct tbk_pool *pool, u64 first, u64 step, u32 version)
{
	alignas(4096) static u8 data[4096];
	struct tbk_volume *volume = nullptr;
	int error = tbk_volume_open(pool, "a", nullptr, 0, &volume, nullptr);

	if (error)
		return error;
	for (u64 block = first; block < blocks && !error; block += step) {
		if (block % 10 == 0 && version != kept)
			continue;
		fill_block(data, 'a', block, version);
		error = do_request(volume, TBK_OP_WRITE, block, data, 1);
	}
	tbk_volume_close(volume);
	return error;
}

bool holds(struct tbk_pool *pool, const char *snapshot, u64 block, u32 version)
{
	alignas(4096) static u8 data[4096];
	struct tbk_volume *volume = nullptr;

	if (tbk_volume_open(pool, "a", snapshot, 0, &volume, nullptr))
		return false;
	const int error = do_request(volume, TBK_OP_READ, block, data, 1);

	tbk_volume_close(volume);
	return !error && is_block(data, 'a', block, version);
}

/* Three snapshots of a volume of many extents, each with something of its own; the first stays. */
int fill(struct tbk_pool *pool)
{
	int error = tbk_volume_create(pool, "a", blocks * 4096, 0, nullptr);

	if (!error)
		error = write_blocks_of(pool, 0, 2, kept);
	if (!error)
		error = tbk_snapshot_create(pool, "a", "s0", nullptr);
	if (!error)
		error = write_blocks_of(pool, 0, 3, 2);
	if (!error)
		error = tbk_snapshot_create(pool, "a", "s1", nullptr);
	if (!error)
		error = write_blocks_of(pool, 1, 4, 3);
	if (!error)
		error = tbk_snapshot_create(pool, "a", "s2", nullptr);
	if (!error)
		error = write_blocks_of(pool, 5, 6, 4);
	return error;
}

bool is_cleaning(struct tbk_pool *pool)
{
	struct tbk_pool_info info {};

	tbk_pool_describe(pool, &info);
	return (info.flags & TBK_POOL_CLEANING) != 0;
}

/* What a pool must be, whatever has happened; takes it to its end. */
class Inspection {
public:
	Inspection(struct kunit *kunit, MemoryDevice &device, u64 empty)
		: test(kunit), device_(device), empty_(empty)
	{
	}

	void run();
	u64 hidden = 0;
	u64 free = 0;

private:
	void check();
	void look();
	void remove_all();

	struct kunit *const test;
	MemoryDevice &device_;
	const u64 empty_;
	struct tbk_pool *pool_ = nullptr;
};

void Inspection::check()
{
	Findings findings;

	CHECK_EQ(findings.check(device_), 0);
	findings.tell(test);
}

void Inspection::look()
{
	struct tbk_pool_info info {};

	REQUIRE_EQ(tbk_pool_open(&device_, TBK_POOL_READ_ONLY, &pool_, nullptr), 0);
	tbk_pool_describe(pool_, &info);
	hidden = info.hidden;
	free = info.free;
	CHECK_EQ(tbk_pool_close(pool_, nullptr), 0);
}

void Inspection::remove_all()
{
	struct tbk_pool_info info {};

	CHECK_EQ(tbk_remove(pool_, "a", nullptr, TBK_REMOVE_RECURSIVE, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(pool_), 0);
	tbk_pool_describe(pool_, &info);
	CHECK_EQ(info.free, empty_);
}

void Inspection::run()
{
	struct tbk_pool_info info {};

	check();
	look();
	REQUIRE_EQ(tbk_pool_open(&device_, 0, &pool_, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(pool_), 0);
	tbk_pool_describe(pool_, &info);
	CHECK_EQ(info.hidden, 0);
	CHECK(holds(pool_, "s0", 0, kept));
	CHECK(holds(pool_, "s0", 6, kept));
	for (u64 block = 0; block < blocks; block += 370)
		CHECK(holds(pool_, nullptr, block, kept));
	remove_all();
	CHECK_EQ(tbk_pool_close(pool_, nullptr), 0);
	check();
}

/* Cuts the power at some of the moments recorded; how many amounts of free space there were meanwhile. */
size_t inspect(struct kunit *test, const CrashDevice &device, u64 empty)
{
	constexpr u64 moments = 60;
	CrashReplay replay(device);
	std::set<u64> seen;
	const u64 step = device.events() / moments + 1;

	for (u64 at = 0; at <= device.events(); at += step) {
		MemoryDevice image(device.size(), asynchronous);
		Inspection inspection(test, image, empty);

		replay.advance(at);
		replay.build(image, at % 3 == 0	  ? CrashReplay::none()
				    : at % 3 == 1 ? CrashReplay::all()
						  : CrashReplay::random(at, true));
		inspection.run();
		if (inspection.hidden > 0)
			seen.insert(inspection.free);
	}
	return seen.size();
}

/* A pool filled and durable; what happens to it from now on is recorded. */
struct tbk_pool *begin(CrashDevice &device, u64 &empty)
{
	const struct tbk_format_options format = { "tank", { 9 }, 0 };
	struct tbk_pool *pool = nullptr;
	struct tbk_pool_info info {};

	if (tbk_pool_format(&device, &format, nullptr) || tbk_pool_open(&device, 0, &pool, nullptr))
		return nullptr;
	tbk_pool_describe(pool, &info);
	empty = info.free;
	if (fill(pool) || tbk_pool_close(pool, nullptr))
		return nullptr;
	device.restart();
	/* With nothing in memory, so that the merge has to read, and others come in between. */
	return tbk_pool_open(&device, 0, &pool, nullptr) ? nullptr : pool;
}

} // namespace

TBK_TEST(merge_survives_power_cut_at_any_time)
{
	CrashDevice device(128 * mib, asynchronous);
	u64 empty = 0;
	struct tbk_pool *pool = begin(device, empty);

	REQUIRE(pool != nullptr);
	bool is_over = false;

	/* As many checkpoints as there can be. */
	hosted_spawn("sync", [&] {
		while (!is_over) {
			CHECK_EQ(tbk_pool_sync(pool), 0);
			hosted_yield();
		}
	});
	CHECK_EQ(tbk_remove(pool, "a", "s1", 0, nullptr), 0);
	CHECK_EQ(tbk_remove(pool, "a", "s2", 0, nullptr), 0);
	for (u32 round = 0; is_cleaning(pool); round++)
		CHECK_EQ(write_blocks_of(pool, round % 97, 1397, 5), 0);
	is_over = true;
	hosted_sleep_ms(10);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	CHECK(inspect(test, device, empty) >= 3);
}

TBK_TEST(merge_survives_power_cut_while_snapshots_come_and_go)
{
	CrashDevice device(128 * mib, asynchronous);
	u64 empty = 0;
	struct tbk_pool *pool = begin(device, empty);

	REQUIRE(pool != nullptr);
	CHECK_EQ(tbk_remove(pool, "a", "s2", 0, nullptr), 0);
	for (u32 round = 0; round < 6; round++) {
		const std::string name = "t" + std::to_string(round);

		CHECK_EQ(tbk_snapshot_create(pool, "a", name.c_str(), nullptr), 0);
		CHECK_EQ(write_blocks_of(pool, round, 297, 5 + round), 0);
		CHECK_EQ(tbk_remove(pool, "a", round == 3 ? "s1" : name.c_str(), 0, nullptr), 0);
		hosted_yield();
	}
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	CHECK(inspect(test, device, empty) >= 3);
}

namespace {

struct tbk_pool_info describe(struct tbk_pool *pool)
{
	struct tbk_pool_info info {};

	tbk_pool_describe(pool, &info);
	return info;
}

/* Removes a snapshot with one child, and returns when the merge is half way, or over, as the seed likes. */
void begin_merge(struct kunit *test, struct tbk_pool *pool)
{
	CHECK_EQ(tbk_remove(pool, "a", "s2", 0, nullptr), 0);
	const u64 free = describe(pool).free;

	while (is_cleaning(pool) && describe(pool).free < free + 200ull * 4096)
		hosted_yield();
}

} // namespace

TBK_TEST(merge_half_way_is_taken_over_by_a_snapshot)
{
	CrashDevice device(128 * mib, asynchronous);
	u64 empty = 0;
	struct tbk_pool *pool = begin(device, empty);

	REQUIRE(pool != nullptr);
	begin_merge(test, pool);
	CHECK_EQ(tbk_snapshot_create(pool, "a", "t", nullptr), 0);
	CHECK_EQ(write_blocks_of(pool, 1, 9, 5), 0);
	CHECK_EQ(tbk_remove(pool, "a", "t", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(pool), 0);
	CHECK_EQ(describe(pool).hidden, 0);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	inspect(test, device, empty);
}

TBK_TEST(merge_half_way_is_ended_when_the_child_is_removed)
{
	CrashDevice device(128 * mib, asynchronous);
	Findings findings;
	u64 empty = 0;
	struct tbk_pool *pool = begin(device, empty);

	REQUIRE(pool != nullptr);
	begin_merge(test, pool);
	CHECK_EQ(tbk_remove(pool, "a", nullptr, TBK_REMOVE_RECURSIVE, nullptr), 0);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	CHECK_EQ(findings.check(device), 0);
	findings.tell(test);
	REQUIRE_EQ(tbk_pool_open(&device, 0, &pool, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(pool), 0);
	CHECK_EQ(describe(pool).free, empty);
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
}
