// SPDX-License-Identifier: GPL-2.0
/*
 * One workload, again and again: each time another allocation, read, write or
 * flush of the device fails, or is late. Whatever is refused then, the pool opens
 * again without the fault, is not damaged, and holds what was flushed.
 */
#include <stdio.h>

#include <vector>

#include "../harness/check.h"
#include "journal_rig.h"

using namespace thinback;

namespace {

constexpr u64 blocks = 40;
constexpr u64 stride = 3; /* no two side by side */

/* What a block of the volume may hold, oldest first. */
struct Block {
	std::vector<u64> values{ 0 };
	size_t sure = 0; /* the last one that was answered for */

	bool may_hold(u64 value) const
	{
		for (const u64 one : values) {
			if (one == value)
				return true;
		}
		return false;
	}
};

class FaultRun {
public:
	explicit FaultRun(struct kunit *test) : test_(test) {}

	/* @arm: makes something fail once the pool is there. Whether that came to pass is the caller's to know. */
	void run(const std::function<void(MemoryDevice &)> &arm);
	void open_with_faults();
	void open_without_memory();

	u64 reads = 0, writes = 0, flushes = 0; /* of the workload */
	u64 refused = 0;
	bool alloc_failed = false;

private:
	void work(JournalRig &rig);
	void write(JournalRig &rig, u64 block);
	void discard(JournalRig &rig, u64 block);
	void flush(JournalRig &rig);
	void objects(JournalRig &rig);
	void altered(JournalRig &rig);
	void verify(JournalRig &rig);

	struct kunit *test_;
	Block blocks_[blocks];
	u64 next_ = 1;
};

void FaultRun::write(JournalRig &rig, u64 block)
{
	Block &at = blocks_[block];
	const int error = rig.write(block * stride, next_);

	refused += error != 0;
	at.values.push_back(next_++);
	if (!error)
		at.sure = at.values.size() - 1;
}

void FaultRun::discard(JournalRig &rig, u64 block)
{
	Block &at = blocks_[block];
	const int error = rig.discard(block * stride, 1);

	at.values.push_back(0);
	if (!error)
		at.sure = at.values.size() - 1;
}

void FaultRun::flush(JournalRig &rig)
{
	if (rig.flush()) {
		refused++;
		return;
	}
	for (Block &block : blocks_) {
		block.values.erase(block.values.begin(),
				   block.values.begin() + static_cast<long>(block.sure));
		block.sure = 0;
	}
}

/* Each may fail, and changes nothing of what the volume holds. */
void FaultRun::objects(JournalRig &rig)
{
	(void)tbk_snapshot_create(rig.pool, "disk", "s", nullptr);
	(void)tbk_clone_create(rig.pool, "disk", "s", "clone", 0, nullptr);
	(void)tbk_volume_create(rig.pool, "other", 1 << 20, 0, nullptr);
	(void)tbk_volume_resize(rig.pool, "other", 2 << 20, 0, nullptr);
	(void)tbk_rename(rig.pool, "other", nullptr, "another", nullptr);
	altered(rig);
	(void)tbk_remove(rig.pool, "clone", nullptr, 0, nullptr);
	(void)tbk_remove(rig.pool, "disk", "s", 0, nullptr);
}

void FaultRun::altered(JournalRig &rig)
{
	const struct tbk_volume_limits limits = { TBK_LIMIT_ALL, TBK_FULL_ERROR, 0,
						  8 << 20,	 1 << 20,	 0 };

	(void)tbk_volume_limit(rig.pool, "disk", &limits, nullptr);
	(void)tbk_clone_create(rig.pool, "disk", "s", "twin", 0, nullptr);
	(void)tbk_volume_resize(rig.pool, "twin", 128 << 10, TBK_RESIZE_SHRINK, nullptr);
	(void)tbk_snapshot_create(rig.pool, "twin", "t", nullptr);
	(void)tbk_volume_resize(rig.pool, "twin", 1 << 20, 0, nullptr);
	(void)tbk_rollback(rig.pool, "twin", "t", "was", nullptr);
	(void)tbk_rename(rig.pool, "twin", nullptr, "sister", nullptr);
	(void)tbk_rename(rig.pool, "sister", "was", "had-been", nullptr);
	(void)tbk_rollback(rig.pool, "sister", "had-been", nullptr, nullptr);
	(void)tbk_remove(rig.pool, "sister", nullptr, TBK_REMOVE_RECURSIVE, nullptr);
	(void)tbk_volume_resize(rig.pool, "disk", 32 << 20, TBK_RESIZE_SHRINK, nullptr);
	(void)tbk_volume_resize(rig.pool, "disk", 64 << 20, 0, nullptr);
}

void FaultRun::work(JournalRig &rig)
{
	for (u64 block = 0; block < blocks; block++)
		write(rig, block);
	flush(rig);
	for (u64 block = 0; block < blocks; block += 2)
		write(rig, block);
	discard(rig, 5);
	flush(rig);
	objects(rig);
	for (u64 block = 0; block < blocks; block += 3)
		write(rig, block);
	flush(rig);
	write(rig, 7);
	(void)tbk_pool_settle(rig.pool);
	rig.crash();
	/* What no flush has answered for may be gone, and will not come back. */
	for (Block &block : blocks_)
		block.sure = 0;
	if (!rig.is_ok())
		return;
	write(rig, 8);
	flush(rig);
}

void FaultRun::verify(JournalRig &rig)
{
	for (u64 block = 0; block < blocks; block++) {
		bool is_there = false;

		for (const u64 value : blocks_[block].values)
			is_there |= rig.holds(block * stride, value);
		if (is_there)
			continue;
		tbk_test_failed(test_, __FILE__, __LINE__, "a block holds what it may not");
		fprintf(stderr, "# block %llu\n", block);
		return;
	}
}

void FaultRun::run(const std::function<void(MemoryDevice &)> &arm)
{
	JournalRig rig;
	struct kunit *test = test_;

	REQUIRE(rig.is_ok());
	const DeviceCounts before = rig.device.counts();

	arm(rig.device);
	work(rig);
	reads = rig.device.counts().reads - before.reads;
	writes = rig.device.counts().writes - before.writes;
	flushes = rig.device.counts().flushes - before.flushes;
	alloc_failed = hosted_alloc_failed();
	rig.stop();
	hosted_fail_alloc_after(0);
	rig.device.fail_read(0);
	rig.device.fail_write(0);
	rig.device.fail_flush(0);
	rig.device.delay_read(0);
	rig.device.delay_write(0);
	rig.device.delay_flush(0);
	/* Blocks may be left over, for nobody; nothing else. */
	CHECK(!rig.is_damaged());
	rig.start();
	REQUIRE(rig.is_ok());
	verify(rig);
}

/* Opens the pool with every read failing in turn, as it is after the workload and a power cut. */
void FaultRun::open_with_faults()
{
	JournalRig rig;
	struct kunit *test = test_;

	REQUIRE(rig.is_ok());
	work(rig);
	write(rig, 9);
	flush(rig);
	rig.stop();
	const u64 before = rig.device.counts().reads;

	rig.start();
	verify(rig);
	const u64 asked = rig.device.counts().reads - before;

	CHECK(asked > 10);
	for (u64 n = 1; n <= asked; n++) {
		rig.stop();
		rig.device.fail_read(n);
		rig.start();
		if (rig.is_ok())
			(void)rig.write(200 + n, n);
		rig.device.fail_read(0);
		rig.stop();
		CHECK(!rig.is_damaged());
		rig.start();
		REQUIRE(rig.is_ok());
		verify(rig);
	}
}

/* The same, with every allocation of an opener failing in turn: what the journal holds is replayed by the next one. */
void FaultRun::open_without_memory()
{
	JournalRig rig;
	struct kunit *test = test_;
	u32 turned_away = 0;

	REQUIRE(rig.is_ok());
	work(rig);
	write(rig, 9);
	flush(rig);
	rig.stop();
	for (u64 n = 1;; n++) {
		hosted_fail_alloc_after(n);
		rig.start();
		const bool failed = hosted_alloc_failed();

		hosted_fail_alloc_after(0);
		turned_away += !rig.is_ok();
		rig.stop();
		CHECK(!rig.is_damaged());
		rig.start();
		REQUIRE(rig.is_ok());
		verify(rig);
		if (!failed)
			break;
		/* Something for the next one to replay. */
		write(rig, n % blocks);
		flush(rig);
		rig.stop();
	}
	CHECK(turned_away > 20);
}

} // namespace

TBK_TEST(faults_every_allocation_of_an_opener_fails_once)
{
	FaultRun(test).open_without_memory();
}

/* What stays of the volume is what it was, and so is its size; what was to be cut off is there, or zeros. */
TBK_TEST(faults_shrink_fails_half_way)
{
	constexpr u64 size = 64ull << 20;
	constexpr u64 scattered = 3000;
	u32 failures = 0;

	for (u64 n = 1; n < 12; n++) {
		JournalRig rig;
		struct tbk_object_info info {};

		REQUIRE(rig.is_ok());
		for (u64 i = 0; i < scattered; i++)
			rig.write(5 * i, i + 1);
		rig.flush();
		rig.crash();
		REQUIRE(rig.is_ok());
		rig.leave();
		CHECK_EQ(tbk_pool_close(rig.pool, nullptr), 0);
		rig.pool = nullptr;
		rig.start();
		REQUIRE(rig.is_ok());
		rig.device.fail_read(n);
		const int error =
			tbk_volume_resize(rig.pool, "disk", 4ull << 20, TBK_RESIZE_SHRINK, nullptr);

		rig.device.fail_read(0);
		failures += error != 0;
		CHECK_EQ(tbk_pool_find(rig.pool, "disk", nullptr, &info, nullptr), 0);
		CHECK_EQ(info.size, error ? size : 4ull << 20);
		for (u64 i = 0; i < 1024 / 5; i++)
			CHECK(rig.holds(5 * i, i + 1));
		for (u64 i = 1024 / 5 + 1; i < scattered && error; i++)
			CHECK(rig.holds(5 * i, i + 1) || rig.holds(5 * i, 0));
		CHECK(rig.is_sound());
		CHECK_EQ(
			tbk_volume_resize(rig.pool, "disk", 4ull << 20, TBK_RESIZE_SHRINK, nullptr),
			0);
	}
	CHECK(failures > 3);
}

TBK_TEST(faults_every_allocation_fails_once)
{
	u64 n = 1;

	for (bool failed = true; failed; n++) {
		FaultRun run(test);

		run.run([&](MemoryDevice &) { hosted_fail_alloc_after(n); });
		failed = run.alloc_failed;
	}
	CHECK(n > 30);
}

TBK_TEST(faults_every_read_of_an_opener_fails_once)
{
	FaultRun(test).open_with_faults();
}

namespace {

using Arm = void (*)(MemoryDevice &device, u64 n);

enum class Expect { refusals, none };

/* For every one of them that the workload asks of the device. */
void for_each_request(struct kunit *test, u64 FaultRun::*count, u64 least, Arm arm,
		      Expect expect = Expect::refusals)
{
	FaultRun run(test);

	run.run([](MemoryDevice &) {});
	CHECK(run.*count > least);
	for (u64 n = 1; n <= run.*count; n++) {
		FaultRun again(test);

		again.run([=](MemoryDevice &device) { arm(device, n); });
		CHECK(expect == Expect::refusals || again.refused == 0);
	}
}

} // namespace

TBK_TEST(faults_every_write_fails_once)
{
	for_each_request(test, &FaultRun::writes, 100,
			 [](MemoryDevice &device, u64 n) { device.fail_write(n); });
}

TBK_TEST(faults_every_flush_fails_once)
{
	for_each_request(test, &FaultRun::flushes, 10,
			 [](MemoryDevice &device, u64 n) { device.fail_flush(n); });
}

TBK_TEST(faults_every_read_fails_once)
{
	for_each_request(test, &FaultRun::reads, 5,
			 [](MemoryDevice &device, u64 n) { device.fail_read(n); });
}

TBK_TEST(faults_every_write_is_late_once)
{
	for_each_request(
		test, &FaultRun::writes, 100,
		[](MemoryDevice &device, u64 n) { device.delay_write(n); }, Expect::none);
}

TBK_TEST(faults_every_flush_is_late_once)
{
	for_each_request(
		test, &FaultRun::flushes, 10,
		[](MemoryDevice &device, u64 n) { device.delay_flush(n); }, Expect::none);
}

TBK_TEST(faults_every_read_is_late_once)
{
	for_each_request(
		test, &FaultRun::reads, 5,
		[](MemoryDevice &device, u64 n) { device.delay_read(n); }, Expect::none);
}

TBK_TEST(faults_every_write_fails_from_then_on)
{
	for_each_request(test, &FaultRun::writes, 100,
			 [](MemoryDevice &device, u64 n) { device.fail_write(n, true); });
}

TBK_TEST(faults_every_flush_fails_from_then_on)
{
	for_each_request(test, &FaultRun::flushes, 10,
			 [](MemoryDevice &device, u64 n) { device.fail_flush(n, true); });
}
