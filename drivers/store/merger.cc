// SPDX-License-Identifier: GPL-2.0
#include "merger.h"

namespace thinback {
namespace {

constexpr NodeLayout layout = layout_of(format::TreeKind::extents, 0);
constexpr u64 data_state = static_cast<u64>(format::ExtentState::data);

/* Of the entry of @branch that leads to @key. */
u32 index_of(const Node &branch, u64 key)
{
	const u32 upto = branch.records_up_to(branch.layout(), branch.count(), key);

	return upto > 0 ? upto - 1 : 0;
}

} // namespace

Merger::~Merger()
{
	release();
}

void Merger::release()
{
	while (depth_ > 0)
		cache_.unpin(*path_[--depth_].node);
	run_count_ = 0;
	lookups_ = 0;
}

Status Merger::step(const Tree &from, Tree &into, Usage &usage, Moment moment)
{
	TBK_ASSERT(into.floor() == from.since() && into.merged() < format::end_of_keys);
	const Status looked = descend(from, into);

	if (looked.is_ok()) {
		free_runs(usage, moment.epoch);
		free_passed(moment.epoch);
		TBK_ASSERT(next_ > into.merged());
		into.set_merged(into.floor(), next_);
	}
	release();
	return looked;
}

/* Down to the leaf at merged(), or to the first node on the way that stays: that one is passed. */
Status Merger::descend(const Tree &from, const Tree &into)
{
	const u64 at = into.merged();
	NodePointer pointer = from.root();

	next_ = format::end_of_keys;
	while (pointer.block != 0 && pointer.birth > from.since()) {
		Node *there = TBK_TRY(cache_.get(pointer, from.kind));
		Pin node(cache_, there);

		if (TBK_TRY(reaches(into, *there)))
			return {};
		TBK_ASSERT(depth_ < format::max_height);
		path_[depth_++] = { node.release(), next_ };
		if (there->level() == 0)
			return compare(from, into);
		const u32 index = index_of(*there, at);

		if (index + 1 < there->count())
			next_ = there->key(there->layout(), index + 1);
		pointer = there->pointer(index);
	}
	return {};
}

/* Whether @tree shares @node: then that is where it looks for the first key that @node covers. */
Result<bool> Merger::reaches(const Tree &tree, const Node &node)
{
	const u64 key = node.header().low.get();
	NodePointer pointer = tree.root();

	if (pointer.block == 0 || pointer.level < node.level())
		return false;
	while (pointer.level > node.level()) {
		Node *there = TBK_TRY(cache_.get(pointer, tree.kind));
		const Pin above(cache_, there);

		pointer = there->pointer(index_of(*there, key));
	}
	return pointer.block == node.block();
}

/* What the entered leaf has, born after since(), and @into has not got where the leaf has it. */
Status Merger::compare(const Tree &from, const Tree &into)
{
	const Node &leaf = *path_[depth_ - 1].node;

	for (u32 i = 0; i < leaf.count(); i++) {
		const u64 place = leaf.word(layout, i, 0);
		const u64 target = leaf.word(layout, i, 1);
		const u64 start = place >> 24;
		const u64 end = start + (place & format::max_extent);
		u64 at = start > into.merged() ? start : into.merged();

		if (target >> 48 != data_state || leaf.word(layout, i, 2) <= from.since())
			continue;
		while (at < end) {
			if (is_full()) {
				next_ = at;
				return {};
			}
			at += TBK_TRY(compare_run(into, at,
						  { (target & format::low_48) + (at - start),
						    static_cast<u32>(end - at) }));
		}
	}
	return {};
}

/* As much of @run, which lies at @at, as @into treats alike; says how much. */
Result<u64> Merger::compare_run(const Tree &into, u64 at, Run run)
{
	const Mapping found =
		TBK_TRY(find_extent_locked(into, cache_, VirtualBlock(at), BlockCount(run.count)));

	lookups_++;
	if (found.kind != Mapping::Kind::data || found.target != PhysicalBlock(run.start))
		push(run.start, static_cast<u32>(found.run.raw()));
	return found.run.raw();
}

void Merger::push(u64 start, u32 count)
{
	if (run_count_ > 0) {
		Run &last = runs_[run_count_ - 1];

		if (last.start + last.count == start) {
			last.count += count;
			return;
		}
	}
	runs_[run_count_++] = { start, count };
}

void Merger::free_runs(Usage &usage, u64 epoch)
{
	for (u32 i = 0; i < run_count_; i++) {
		usage.gone += runs_[i].count;
		if (!space_.free(epoch, runs_[i], Space::Freed::data).is_ok())
			tbk_log(TBK_LOG_WARNING,
				"%u blocks at %llu stay in use: their bitmap cannot be read",
				runs_[i].count, runs_[i].start);
	}
}

/* Nodes that were entered and end where the step does: nothing leads into them any more. */
void Merger::free_passed(u64 epoch)
{
	while (depth_ > 0 && path_[depth_ - 1].high <= next_) {
		Node &node = *path_[--depth_].node;
		const u64 block = node.block();
		const u64 mirror = node.mirror;

		cache_.drop(node);
		space_.free_node(epoch, block, mirror);
	}
}

} // namespace thinback
