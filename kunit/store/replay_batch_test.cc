// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/store/replay_batch.h"

#include "../harness/check.h"
#include "../harness/shared/random.h"

using namespace thinback;

namespace {

constexpr u32 volume_count = 3;
constexpr u32 volume_blocks = 200;

#define REQUIRE_BATCH(batch)                       \
	auto batch##_made = ReplayBatch::create(); \
	REQUIRE_OK(batch##_made);                  \
	ReplayBatch &batch = *batch##_made.value()

void add(ReplayBatch &batch, u32 id, u64 start, Run run)
{
	batch.add(id, { start, run, 0 });
}

/* Where each block of each volume is, if changes are made one after the other. */
struct Maps {
	u64 targets[volume_count][volume_blocks] = {};

	void apply(u32 volume, u64 start, Run run)
	{
		for (u32 i = 0; i < run.count; i++)
			targets[volume][start + i] = run.start ? run.start + i : 0;
	}
};

} // namespace

TBK_TEST(replay_batch_is_in_the_order_of_trees)
{
	REQUIRE_BATCH(batch);

	add(batch, 2, 5, { 100, 1 });
	add(batch, 1, 9, { 101, 1 });
	add(batch, 2, 4, { 102, 1 });
	add(batch, 1, 3, { 103, 6 });
	batch.sort();
	CHECK_EQ(batch.count(), 4);
	CHECK_EQ(batch[0].run.start, 103);
	CHECK_EQ(batch[1].run.start, 101);
	CHECK_EQ(batch[2].run.start, 102);
	CHECK_EQ(batch[3].run.start, 100);
	batch.clear();
	CHECK_EQ(batch.count(), 0);
}

/* By their starts, the later one would have come first, and the one it undoes after it. */
TBK_TEST(replay_batch_overlapping_changes_stay_put)
{
	REQUIRE_BATCH(batch);

	add(batch, 1, 50, { 100, 10 });
	add(batch, 1, 59, { 200, 5 });
	add(batch, 1, 20, { 0, 31 });
	add(batch, 1, 10, { 300, 2 });
	batch.sort();
	CHECK_EQ(batch[0].run.start, 300);
	CHECK_EQ(batch[1].run.start, 100);
	CHECK_EQ(batch[2].run.start, 200);
	CHECK_EQ(batch[3].run.start, 0);
}

TBK_TEST(replay_batch_ends_where_time_would)
{
	REQUIRE_BATCH(batch);
	auto by_time = make<Maps>();
	auto by_tree = make<Maps>();
	Random random;

	REQUIRE_OK(by_time);
	REQUIRE_OK(by_tree);
	for (u32 round = 0; round < 200; round++) {
		const u64 changes = 1 + random.below(60);

		for (u32 i = 0; i < changes; i++) {
			const u32 which = static_cast<u32>(random.below(volume_count));
			const u64 start = random.below(volume_blocks - 10);
			const Run run = { random.one_in(3) ? 0 : 1000 * (i + 1ull),
					  static_cast<u32>(1 + random.below(10)) };

			add(batch, which + 1, start, run);
			by_time.value()->apply(which, start, run);
		}
		batch.sort();
		for (u32 i = 0; i < batch.count(); i++)
			by_tree.value()->apply(batch[i].id - 1, batch[i].start, batch[i].run);
		batch.clear();
		REQUIRE(__builtin_memcmp(by_time.value()->targets, by_tree.value()->targets,
					 sizeof(Maps::targets)) == 0);
	}
}
