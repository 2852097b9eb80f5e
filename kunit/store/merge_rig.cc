// SPDX-License-Identifier: GPL-2.0
#include "merge_rig.h"

#include "../harness/check.h"

namespace thinback {

Result<Owned<MergeRig>> MergeRig::create()
{
	Owned<MergeRig> rig = TBK_TRY(make<MergeRig>());

	rig->pool = TBK_TRY(SmallPool::create(2 * format::smallest_pool));
	rig->targets_ = static_cast<u32 *>(tbk_big_alloc(space_blocks * sizeof(u32)));
	if (!rig->targets_)
		return Err::no_memory;
	TBK_TRY(rig->make_editors());
	return rig;
}

MergeRig::~MergeRig()
{
	merger_.reset();
	editor_.reset();
	tbk_big_free(targets_);
}

Status MergeRig::make_editors()
{
	editor_ = TBK_TRY(make<ExtentEditor>(*pool->cache, *pool->space));
	merger_ = TBK_TRY(make<Merger>(*pool->cache, *pool->space));
	return {};
}

Status MergeRig::map(u64 at, u32 count)
{
	Want want;

	want.count = count;
	const Run run = TBK_TRY(pool->space->take(home_, want));

	TBK_TRY(editor_->map(into, usage, VirtualBlock(at), run, pool->now()));
	for (u32 i = 0; i < run.count; i++)
		targets_[at + i] = static_cast<u32>(run.start) + i;
	return {};
}

Status MergeRig::unmap(u64 at, u64 count)
{
	TBK_TRY(editor_->unmap(into, usage, VirtualBlock(at), BlockCount(count), pool->now()));
	for (u64 i = at; i < at + count; i++)
		targets_[i] = 0;
	return {};
}

Status MergeRig::change(u32 times)
{
	for (u32 i = 0; i < times; i++) {
		const u64 at = random.below(space_blocks - 200);

		if (random.one_in(40))
			TBK_TRY(unmap(at, random.below(200)));
		else
			TBK_TRY(map(at, static_cast<u32>(1 + random.below(3))));
	}
	return {};
}

void MergeRig::leave_to(Tree &snapshot, Usage &snapshot_usage)
{
	pool->seal(into);
	snapshot.set_root(into.root(), false);
	snapshot.set_since(into.since());
	snapshot_usage = usage;
	into.set_since(pool->generation++);
	usage.own = 0;
}

Status MergeRig::step()
{
	into.set_merged(from.since(), into.merged());
	return merger_->step(from, into, usage, pool->now());
}

void MergeRig::finish()
{
	usage.own += from_usage.own - usage.gone;
	usage.gone = 0;
	into.set_since(from.since());
	into.set_merged(0, 0);
	is_finished_ = true;
}

Status MergeRig::reopen()
{
	editor_->relax();
	TBK_TRY(pool->checkpoint(into));
	merger_.reset();
	editor_.reset();
	TBK_TRY(pool->reopen());
	return make_editors();
}

void MergeRig::check_content(struct kunit *test)
{
	for (u64 at = 0; at < space_blocks;) {
		auto found = find_extent_locked(into, *pool->cache, VirtualBlock(at),
						BlockCount(space_blocks - at));

		REQUIRE_OK(found);
		const bool is_data = found.value().kind == Mapping::Kind::data;

		for (u64 i = 0; i < found.value().run.raw(); i++)
			REQUIRE_EQ(targets_[at + i], is_data ? found.value().target.raw() + i : 0);
		at += found.value().run.raw();
	}
}

void MergeRig::audit(struct kunit *test)
{
	TreeAudit seen(test, *pool);
	u64 left = 0;

	editor_->relax();
	seen.look_at(old);
	CHECK_EQ(seen.own, old_usage.own);
	if (!is_finished_) {
		seen.look_at_rest(from, into.merged());
		left = seen.own;
	}
	seen.look_at(into);
	CHECK_EQ(seen.own, usage.own);
	CHECK_EQ(seen.mapped, usage.mapped);
	if (!is_finished_)
		CHECK_EQ(left + seen.taken_over + usage.gone, from_usage.own);
	seen.check_all_seen();
	check_content(test);
}

void MergeRig::check_empties(struct kunit *test)
{
	Tree *trees[] = { &into, &from, &old };
	Usage *usages[] = { &usage, &from_usage, &old_usage };

	for (u32 i = 0; i < 3; i++) {
		Status freed;

		while (freed.is_ok() && !(i == 1 && is_finished_))
			freed = editor_->free_last(*trees[i], *usages[i], pool->now());
	}
	editor_->relax();
	CHECK_EQ(pool->space->free_blocks() + pool->space->freeing_blocks(), pool->empty);
}

} // namespace thinback
