// SPDX-License-Identifier: GPL-2.0
#include "../harness/check.h"
#include "merge_rig.h"

using namespace thinback;

namespace {

#define REQUIRE_RIG(name)                      \
	auto name##_made = MergeRig::create(); \
	REQUIRE_OK(name##_made);               \
	MergeRig &name = *name##_made.value()

/* Two snapshots with much between them, and a volume that has changed since. */
Status prepare(MergeRig &rig, u32 changes)
{
	TBK_TRY(rig.change(1500));
	rig.leave_to(rig.old, rig.old_usage);
	TBK_TRY(rig.change(changes));
	rig.leave_to(rig.from, rig.from_usage);
	return rig.change(changes);
}

/* To its end; how many steps it takes. */
u32 merge(struct kunit *test, MergeRig &rig)
{
	u32 steps = 0;

	for (; !rig.is_done() && steps < 10000; steps++) {
		const Status done = rig.step();

		CHECK_OK(done);
		if (!done.is_ok())
			break;
	}
	CHECK(rig.is_done());
	return steps;
}

void finish(struct kunit *test, MergeRig &rig)
{
	rig.audit(test);
	rig.finish();
	rig.audit(test);
	rig.check_empties(test);
}

} // namespace

TBK_TEST(merger_of_untouched_child_is_one_step)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(rig.change(1500));
	rig.leave_to(rig.old, rig.old_usage);
	REQUIRE_OK(rig.change(800));
	rig.leave_to(rig.from, rig.from_usage);
	CHECK_EQ(merge(test, rig), 1);
	CHECK_EQ(rig.usage.gone, 0);
	finish(test, rig);
}

TBK_TEST(merger_of_child_without_anything_frees_all)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(rig.change(1500));
	rig.leave_to(rig.from, rig.from_usage);
	REQUIRE_OK(rig.unmap(0, MergeRig::space_blocks));
	merge(test, rig);
	CHECK_EQ(rig.usage.gone, rig.from_usage.own);
	rig.finish();
	CHECK_EQ(rig.usage.own, 0);
	CHECK(rig.into.is_empty());
	rig.check_empties(test);
}

TBK_TEST(merger_frees_what_the_child_does_not_reach)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(rig.map(100, 4));
	REQUIRE_OK(rig.map(200, 4));
	rig.leave_to(rig.from, rig.from_usage);
	REQUIRE_OK(rig.map(101, 1));
	REQUIRE_OK(rig.unmap(200, 2));
	merge(test, rig);
	CHECK_EQ(rig.usage.gone, 3);
	finish(test, rig);
	CHECK_EQ(rig.from_usage.own, 8);
}

TBK_TEST(merger_keeps_what_an_older_snapshot_has)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(rig.map(100, 4));
	rig.leave_to(rig.old, rig.old_usage);
	REQUIRE_OK(rig.map(102, 1));
	rig.leave_to(rig.from, rig.from_usage);
	REQUIRE_OK(rig.unmap(100, 4));
	merge(test, rig);
	CHECK_EQ(rig.usage.gone, 1);
	finish(test, rig);
}

TBK_TEST(merger_frees_a_block_discarded_behind_once)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(prepare(rig, 800));
	while (!rig.is_done() && rig.into.merged() < 3000)
		REQUIRE_OK(rig.step());
	rig.audit(test);
	REQUIRE_OK(rig.unmap(0, 2000));
	rig.audit(test);
	merge(test, rig);
	finish(test, rig);
}

TBK_TEST(merger_leaves_a_block_discarded_ahead)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(prepare(rig, 800));
	while (!rig.is_done() && rig.into.merged() < 2000)
		REQUIRE_OK(rig.step());
	const u64 gone = rig.usage.gone;

	REQUIRE_OK(rig.unmap(4000, 1000));
	CHECK_EQ(rig.usage.gone, gone);
	rig.audit(test);
	merge(test, rig);
	finish(test, rig);
}

/* All leaves are the snapshot's, and all but the last the child's as well. */
TBK_TEST(merger_frees_a_node_changed_behind_once)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(rig.change(1500));
	rig.leave_to(rig.old, rig.old_usage);
	for (u64 at = 0; at < 5800; at += 50)
		REQUIRE_OK(rig.map(at, 1));
	rig.leave_to(rig.from, rig.from_usage);
	REQUIRE_OK(rig.map(5990, 1));
	while (!rig.is_done() && rig.into.merged() < 3000)
		REQUIRE_OK(rig.step());
	REQUIRE(!rig.is_done());
	for (u64 at = 100; at < 5800; at += 900) {
		REQUIRE_OK(rig.map(at, 1));
		rig.audit(test);
	}
	REQUIRE_OK(rig.unmap(1000, 1500));
	rig.audit(test);
	merge(test, rig);
	finish(test, rig);
}

/* Of an extent that both have, the child discards what is behind and what is ahead at once. */
TBK_TEST(merger_splits_at_a_block_inside_an_extent)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(rig.map(0, 16));
	for (u64 at = 100; at < 1000; at += 2)
		REQUIRE_OK(rig.map(at, 1));
	rig.leave_to(rig.from, rig.from_usage);
	REQUIRE_OK(rig.unmap(4, 1));
	rig.into.set_merged(rig.from.since(), 8);
	rig.usage.gone = 1;
	REQUIRE_OK(rig.unmap(6, 4));
	/* Of four blocks two were behind. */
	CHECK_EQ(rig.usage.gone, 3);
}

TBK_TEST(merger_stops_inside_a_leaf_with_many_holes)
{
	REQUIRE_RIG(rig);

	for (u64 at = 0; at < 4096; at += 64)
		REQUIRE_OK(rig.map(at, 64));
	rig.leave_to(rig.from, rig.from_usage);
	for (u64 at = 0; at < 4096; at += 2)
		REQUIRE_OK(rig.unmap(at, 1));
	/* None of these stay, and it is looked up one by one that they do not. */
	for (u64 at = 1001; at < 3000; at += 2)
		REQUIRE_OK(rig.map(at, 1));
	CHECK(merge(test, rig) > 4);
	finish(test, rig);
}

TBK_TEST(merger_survives_reopen_at_each_step)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(prepare(rig, 800));
	while (!rig.is_done()) {
		REQUIRE_OK(rig.step());
		REQUIRE_OK(rig.reopen());
		rig.audit(test);
	}
	finish(test, rig);
}

TBK_TEST(merger_goes_on_while_the_child_changes)
{
	for (u32 changes = 1; changes < 2000; changes *= 3) {
		REQUIRE_RIG(rig);

		REQUIRE_OK(prepare(rig, changes));
		while (!rig.is_done()) {
			REQUIRE_OK(rig.change(10));
			REQUIRE_OK(rig.step());
			if (rig.random.one_in(4))
				REQUIRE_OK(rig.reopen());
			rig.audit(test);
		}
		REQUIRE_OK(rig.change(10));
		finish(test, rig);
	}
}

/* What Pool::snapshot() does: the snapshot becomes the child. */
TBK_TEST(merger_is_taken_over_by_a_snapshot_of_child)
{
	REQUIRE_RIG(rig);
	Tree volume(format::TreeKind::extents, 4);
	auto made = make<ExtentEditor>(*rig.pool->cache, *rig.pool->space);
	Usage usage;

	REQUIRE_OK(made);
	ExtentEditor &editor = *made.value();

	REQUIRE_OK(prepare(rig, 800));
	while (!rig.is_done() && rig.into.merged() < 2000)
		REQUIRE_OK(rig.step());
	rig.pool->seal(rig.into);
	volume.set_root(rig.into.root(), false);
	volume.set_since(rig.pool->generation++);
	usage = rig.usage;
	usage.own = usage.gone = 0;
	REQUIRE_OK(editor.unmap(volume, usage, VirtualBlock(0), BlockCount(4000), rig.pool->now()));
	merge(test, rig);
	rig.finish();
	while (editor.free_last(volume, usage, rig.pool->now()).is_ok())
		;
	editor.relax();
	rig.audit(test);
	rig.check_empties(test);
}

TBK_TEST(merger_changes_nothing_when_a_read_fails)
{
	REQUIRE_RIG(rig);

	REQUIRE_OK(prepare(rig, 800));
	for (u32 n = 1; !rig.is_done() && n < 1000; n++) {
		const u64 merged = rig.into.merged();

		REQUIRE_OK(rig.reopen());
		/* Bitmaps that cannot be read are another matter. */
		REQUIRE_OK(rig.map(5999, 1));
		rig.pool->device->fail_read(1 + n % 7);
		if (!rig.step().is_ok())
			CHECK_EQ(rig.into.merged(), merged);
		rig.pool->device->fail_read(0);
		rig.audit(test);
	}
	CHECK(rig.is_done());
	finish(test, rig);
}
