// SPDX-License-Identifier: GPL-2.0
/* A check of a pool larger than the memory for its maps: all trees are walked again for each part. */
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../store/damage.h"

using namespace thinback;

namespace {

constexpr u64 run = 256; /* blocks that are written at a time */

constexpr MemoryDevice::Options forgetful = { .asynchronous = true, .keeps_zeros = false };

/* What a check told and counted, and how much memory it took. */
struct Told {
	struct tbk_check check {}; /* first: found from it */
	std::vector<std::string> lines;
	size_t memory = 0;

	static void found(struct tbk_check *check, enum tbk_finding_class kind, const char *text)
	{
		reinterpret_cast<Told *>(check)->lines.push_back(std::to_string(kind) + " " + text);
	}
};

std::unique_ptr<Told> told_by_check(MemoryDevice &device, u64 memory)
{
	auto told = std::make_unique<Told>();

	(void)hosted_most_bytes();
	const size_t before = hosted_bytes();

	told->check.found = Told::found;
	told->check.memory = memory;
	if (tbk_pool_check(&device, &told->check, nullptr))
		told->lines.emplace_back("it failed");
	told->memory = hosted_most_bytes() - before;
	std::sort(told->lines.begin(), told->lines.end());
	return told;
}

bool is_same(const Told &one, const Told &other)
{
	return one.lines == other.lines && one.check.nodes == other.check.nodes &&
	       one.check.copies == other.check.copies && one.check.extents == other.check.extents &&
	       one.check.data_blocks == other.check.data_blocks &&
	       one.check.leaked_blocks == other.check.leaked_blocks &&
	       one.check.volumes == other.check.volumes &&
	       one.check.snapshots == other.check.snapshots;
}

/* Of sixteen groups: zeros are written, which take no memory, so all that is on the device is metadata. */
struct Large {
	Large() : device(16ull << 30, forgetful), zeros(run * 4096)
	{
		const struct tbk_format_options options = { "tank", { 7 }, 4 << 20 };

		if (tbk_pool_format(&device, &options, nullptr) ||
		    tbk_pool_open(&device, 0, &pool, nullptr))
			pool = nullptr;
	}
	~Large()
	{
		if (pool)
			(void)tbk_pool_close(pool, nullptr);
	}
	Large(const Large &) = delete;
	Large &operator=(const Large &) = delete;

	/* @step: between the beginnings of two runs of @count blocks. */
	void write(const char *name, u64 from, u64 to, u64 step, u64 count = run)
	{
		struct tbk_volume *volume = nullptr;

		errors += tbk_volume_open(pool, name, nullptr, 0, &volume, nullptr) != 0;
		for (u64 at = from; at < to && !errors; at += step)
			errors += do_request(volume, TBK_OP_WRITE, at, zeros.data(), count) != 0;
		errors += do_request(volume, TBK_OP_FLUSH, 0, nullptr, 0) != 0;
		tbk_volume_close(volume);
	}

	void snapshot(const char *volume, const char *name)
	{
		errors += tbk_snapshot_create(pool, volume, name, nullptr) != 0;
	}

	void close()
	{
		errors += tbk_pool_close(pool, nullptr) != 0;
		pool = nullptr;
	}

	std::vector<u64> metadata() const
	{
		std::vector<u64> blocks;
		u8 block[4096];

		for (u64 at = 0; at < device.size(); at += sizeof(block)) {
			device.read(at, block, sizeof(block));
			if (std::any_of(block, block + sizeof(block), [](u8 byte) { return byte; }))
				blocks.push_back(at);
		}
		return blocks;
	}

	MemoryDevice device;
	std::vector<u8> zeros;
	struct tbk_pool *pool = nullptr;
	u32 errors = 0;
};

/* Volumes, snapshots and clones all over, and a journal that a cut has left. */
void fill(Large &large)
{
	const std::string names[] = { "a", "b", "c" };

	for (const std::string &name : names)
		large.errors +=
			tbk_volume_create(large.pool, name.c_str(), 16ull << 30, 0, nullptr) != 0;
	for (u64 i = 0; i < 3; i++) {
		for (const std::string &name : names)
			large.write(name.c_str(), i * 280000, i * 280000 + 260000, 257);
		large.snapshot("a", std::to_string(i).c_str());
	}
	large.errors += tbk_clone_create(large.pool, "a", "1", "d", 0, nullptr) != 0;
	large.write("d", 3000, 300000, 1024, 16);
	large.errors += tbk_pool_sync(large.pool) != 0;
	large.write("d", 100, 200000, 10000, 3);
	large.write("b", 1000000, 1002000, 256);
}

} // namespace

TBK_TEST(check_in_parts_finds_what_one_finds)
{
	Large large;
	MemoryDevice cut(large.device.size(), forgetful);
	MemoryDevice spoilt(large.device.size(), forgetful);
	std::mt19937_64 random(20);
	u32 with_findings = 0;

	REQUIRE(large.pool);
	fill(large);
	cut.copy_from(large.device);
	large.close();
	REQUIRE_EQ(large.errors, 0u);
	for (MemoryDevice *const disk : { &large.device, &cut }) {
		const auto whole = told_by_check(*disk, 0);

		CHECK(whole->lines.empty());
		CHECK(is_same(*whole, *told_by_check(*disk, 1)));
	}
	const std::vector<u64> places = large.metadata();

	for (u32 i = 0; i < 100; i++) {
		spoilt.copy_from(i % 2 ? cut : large.device);
		const u64 at = places[random() % places.size()] + random() % 4096;
		u8 byte = 0;

		spoilt.read(at, &byte, 1);
		byte ^= static_cast<u8>(1u << random() % 8);
		spoilt.write(at, &byte, 1);
		const auto whole = told_by_check(spoilt, 0);

		with_findings += !whole->lines.empty();
		CHECK(is_same(*whole, *told_by_check(spoilt, 1)));
		CHECK(is_same(*whole, *told_by_check(spoilt, 24 << 10)));
	}
	CHECK(with_findings > 10);
}

TBK_TEST(check_in_parts_takes_less_memory)
{
	Large large;

	REQUIRE(large.pool);
	fill(large);
	large.close();
	REQUIRE_EQ(large.errors, 0u);
	const auto whole = told_by_check(large.device, 0);
	const auto parts = told_by_check(large.device, 1);

	CHECK(whole->memory >= parts->memory + 5 * 32768);
}

/* Once all that may share a snapshot's nodes was walked, they are nobody's business. */
TBK_TEST(check_forgets_snapshots_that_nobody_shares_any_more)
{
	constexpr u32 volumes[] = { 2, 40 };
	size_t memory[2] = {};

	for (u32 i = 0; i < 2; i++) {
		Large large;

		REQUIRE(large.pool);
		for (u32 v = 0; v < volumes[i]; v++) {
			const std::string name = "v" + std::to_string(v);

			large.errors += tbk_volume_create(large.pool, name.c_str(), 16ull << 30, 0,
							  nullptr) != 0;
			/* Some forty leaves. */
			large.write(name.c_str(), 0, 14000, 2, 1);
			large.snapshot(name.c_str(), "s");
		}
		large.close();
		REQUIRE_EQ(large.errors, 0u);
		const auto told = told_by_check(large.device, 0);

		CHECK(told->lines.empty());
		memory[i] = told->memory - 1200 * (told->check.volumes + told->check.snapshots);
	}
	/* The rest is names, and maps. With all snapshots' nodes it were 360 KiB. */
	CHECK(memory[1] < memory[0] + (270 << 10));
}
