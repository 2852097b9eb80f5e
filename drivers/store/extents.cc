// SPDX-License-Identifier: GPL-2.0
#include "extents.h"

namespace thinback {
namespace {

constexpr NodeLayout layout = layout_of(format::TreeKind::extents, 0);
constexpr u64 data_state = static_cast<u64>(format::ExtentState::data) << 48;

constexpr u64 place_of(u64 start, u64 count)
{
	return start << 24 | count;
}

constexpr u64 least(u64 a, u64 b)
{
	return a < b ? a : b;
}

constexpr u64 most(u64 a, u64 b)
{
	return a > b ? a : b;
}

} // namespace

/* Appends an extent to the leaf being rewritten, as part of the last one where that is the same. */
void ExtentEditor::push(u64 start, u64 count, u64 target, u64 birth)
{
	if (count_ > 0) {
		u64 *last = &records_[(count_ - 1) * 3];
		const u64 last_start = last[0] >> 24;
		const u64 last_count = last[0] & format::max_extent;
		const bool alike = last[2] == birth || (last[2] > since_ && birth > since_);

		if (last_start + last_count == start && alike && last[1] >> 48 == target >> 48 &&
		    last[1] + last_count == target && last_count + count <= format::max_extent) {
			last[0] = place_of(last_start, last_count + count);
			last[2] = most(last[2], birth);
			return;
		}
	}
	u64 *record = &records_[count_ * 3];

	TBK_ASSERT(count_ < most_records);
	record[0] = place_of(start, count);
	record[1] = target;
	record[2] = birth;
	count_++;
}

/* Part of an old extent goes: its blocks too, unless a snapshot may still want them. */
void ExtentEditor::remove(const Tree &tree, const Old &old, Usage &usage)
{
	if (old.target >> 48 != data_state >> 48)
		return;
	const u64 owned = tree.owned(old.birth, old.start, old.count);

	usage.mapped -= old.count;
	if (owned == 0)
		return;
	if (old.birth > tree.since())
		usage.own -= owned;
	else
		usage.gone += owned;
	TBK_ASSERT(freed_count_ < most_records);
	freed_[freed_count_++] = { old.target & format::low_48, static_cast<u32>(owned) };
}

void ExtentEditor::free_removed(u64 epoch)
{
	while (freed_count_ > 0) {
		const Run run = freed_[--freed_count_];

		if (!editor_.space().free(epoch, run, Space::Freed::data).is_ok())
			tbk_log(TBK_LOG_WARNING,
				"%u blocks at %llu stay in use: their bitmap cannot be read",
				run.count, run.start);
	}
}

/*
 * The opened leaf's records that [part.start, part.end) touches, or could be
 * part of: all others stay where they are. All, if the leaf may have to be split.
 */
ExtentEditor::Window ExtentEditor::window(const Change &part) const
{
	const Node &leaf = editor_.leaf();
	const u32 count = leaf.count();

	if (count + 2 > layout.capacity)
		return { 0, count };
	const u32 before = leaf.records_up_to(layout, count, part.start);

	return { before > 2 ? before - 2 : 0, leaf.records_up_to(layout, count, part.end) };
}

/* Those records with [part.start, part.end) replaced. */
void ExtentEditor::rewrite(Tree &tree, Usage &usage, const Change &part, const Window &window,
			   Moment moment)
{
	const Node &leaf = editor_.leaf();
	bool placed = part.target == 0;
	const auto place = [&] {
		if (!placed)
			push(part.start, part.end - part.start, part.target | data_state,
			     moment.generation);
		placed = true;
	};

	count_ = 0;
	since_ = tree.since();
	for (u32 i = window.from; i < window.to; i++) {
		const u64 raw = leaf.word(layout, i, 0);
		const u64 target = leaf.word(layout, i, 1);
		const u64 birth = leaf.word(layout, i, 2);
		const u64 start = raw >> 24;
		const u64 end = start + (raw & format::max_extent);
		const u64 step = target >> 48 == data_state >> 48 ? 1 : 0;

		if (start < part.start)
			push(start, least(end, part.start) - start, target, birth);
		if (end > part.start)
			place();
		if (end > part.start && start < part.end) {
			const u64 from = most(start, part.start);

			remove(tree,
			       { from, least(end, part.end) - from, target + (from - start) * step,
				 birth },
			       usage);
		}
		if (end > part.end) {
			const u64 from = most(start, part.end);

			push(from, end - from, target + (from - start) * step, birth);
		}
	}
	place();
}

/* Changes the opened leaf, and closes it unless it stays. */
void ExtentEditor::replace(Tree &tree, Usage &usage, const Change &part, Moment moment)
{
	const Window touched = window(part);

	rewrite(tree, usage, part, touched, moment);
	if (touched.from == 0 && touched.to == editor_.leaf().count())
		editor_.store(records_, count_);
	else
		editor_.splice(touched.from, touched.to, records_, count_);
	if (!stays_)
		editor_.close();
	free_removed(moment.epoch);
}

void ExtentEditor::leave()
{
	stays_ = false;
	editor_.close();
}

/* The leaf at @at; it may be open already. */
Status ExtentEditor::open(Tree &tree, u64 at, Moment moment)
{
	if (editor_.may_go_on(at))
		return {};
	editor_.close();
	return editor_.open(tree, at, moment, true);
}

/* How many blocks from @at on, at most @most, need no unmapping. */
Result<u64> ExtentEditor::hole_at(const Tree &tree, u64 at, u64 most)
{
	u64 skipped = 0;

	while (skipped < most) {
		const Mapping found = TBK_TRY(find_extent_locked(tree, editor_.cache(),
								 VirtualBlock(at + skipped),
								 BlockCount(most - skipped)));

		if (found.kind != Mapping::Kind::hole)
			break;
		skipped += found.run.raw();
	}
	return skipped;
}

Status ExtentEditor::change(Tree &tree, Usage &usage, const Change &wanted, Moment moment)
{
	u64 at = wanted.start;

	while (at < wanted.end) {
		if (wanted.target == 0) {
			const auto hole = hole_at(tree, at, wanted.end - at);

			if (!hole.is_ok() && !editor_.gives_up(hole.error()))
				return hole.error();
			at += hole.is_ok() ? hole.value() : 0;
			if (at >= wanted.end)
				break;
		}
		const Status opened = open(tree, at, moment);

		if (!opened.is_ok()) {
			if (wanted.target)
				editor_.space().give_back({ wanted.target + (at - wanted.start),
							    static_cast<u32>(wanted.end - at) });
			return opened;
		}
		const Change part = { at, least(wanted.end, editor_.high()),
				      wanted.target ? wanted.target + (at - wanted.start) : 0 };

		if (part.target) {
			const Run run = { part.target, static_cast<u32>(part.end - part.start) };

			editor_.space().use(moment.epoch, run);
			usage.mapped += run.count;
			usage.own += run.count;
		}
		replace(tree, usage, part, moment);
		at = part.end;
	}
	return {};
}

Status ExtentEditor::map(Tree &tree, Usage &usage, VirtualBlock start, Run run, Moment moment)
{
	return change(tree, usage, { start.raw(), start.raw() + run.count, run.start }, moment);
}

Status ExtentEditor::unmap(Tree &tree, Usage &usage, VirtualBlock start, BlockCount count,
			   Moment moment)
{
	return change(tree, usage, { start.raw(), start.raw() + count.raw(), 0 }, moment);
}

Status ExtentEditor::free_last(Tree &tree, Usage &usage, Moment moment)
{
	TBK_TRY(editor_.open_last(tree, moment));
	replace(tree, usage, { 0, format::end_of_keys, 0 }, moment);
	return {};
}

} // namespace thinback
