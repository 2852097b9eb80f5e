// SPDX-License-Identifier: GPL-2.0
#include "check_catalog.h"

namespace thinback {

CheckedCatalog::~CheckedCatalog()
{
	tbk_big_free(trees_);
	tbk_big_free(order_);
	tbk_big_free(families_);
}

Status CheckedCatalog::add(const format::CatalogRecord &record)
{
	if (count_ == room_) {
		const u32 wanted = room_ ? 2 * room_ : 64;
		auto *bigger =
			static_cast<CheckedTree *>(tbk_big_alloc(wanted * sizeof(CheckedTree)));

		if (!bigger)
			return Err::no_memory;
		if (count_ > 0)
			__builtin_memcpy(bigger, trees_, count_ * sizeof(CheckedTree));
		tbk_big_free(trees_);
		trees_ = bigger;
		room_ = wanted;
	}
	trees_[count_++].record = record;
	return {};
}

CheckedTree *CheckedCatalog::find(u64 id) const
{
	u32 low = 0;
	u32 high = count_;

	while (low < high) {
		const u32 middle = low + (high - low) / 2;

		if (trees_[middle].id() < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count_ && trees_[low].id() == id ? &trees_[low] : nullptr;
}

/* What does not depend on other records. */
void CheckedCatalog::verify_one(CheckedTree &tree, const format::Superblock &super)
{
	constexpr u32 known = format::catalog_snapshot | format::catalog_hidden |
			      format::catalog_removing | format::catalog_detect_zeroes |
			      format::catalog_large_sectors;
	const auto &record = tree.record;
	const TreeName name(tree);

	verify_name(tree);
	verify_limits(tree);
	if (tree.id() == 0 || tree.id() >= super.next_id.get())
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: id %llu is yet to be given: the next is %u", name.text, tree.id(),
			    super.next_id.get());
	if (record.flags.get() & ~known)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: unknown flags %#x", name.text,
			    record.flags.get() & ~known);
	if (record.size.get() == 0 || record.size.get() >= format::end_of_keys)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: a size of %llu blocks", name.text,
			    record.size.get());
	if (tree.is_snapshot() ? tree.generation() <= tree.since() ||
					 tree.generation() >= super.generation.get()
			       : tree.generation() != 0)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: generation %llu, after %llu, in a pool that is at %llu", name.text,
			    tree.generation(), tree.since(), super.generation.get());
	if (tree.since() >= super.generation.get())
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: descends from generation %llu, in a pool that is at %llu",
			    name.text, tree.since(), super.generation.get());
}

void CheckedCatalog::verify_limits(const CheckedTree &tree)
{
	const auto &record = tree.record;
	const TreeName name(tree);

	if (record.quota.get() >= format::end_of_keys ||
	    record.reserve.get() >= format::end_of_keys)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: a quota of %llu blocks and a reserve of %llu", name.text,
			    record.quota.get(), record.reserve.get());
	if (record.on_full.get() > static_cast<u32>(format::OnFull::pause) ||
	    record.full_wait.get() > format::longest_full_wait)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: unknown policy %u for a full pool, with %u seconds", name.text,
			    record.on_full.get(), record.full_wait.get());
	if ((tree.is_snapshot() || tree.is_gone()) &&
	    (record.flags.get() & format::catalog_detect_zeroes || record.quota.get() ||
	     record.reserve.get() || record.on_full.get() || record.full_wait.get()))
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: has a quota, a reserve or a policy, and takes no writes",
			    name.text);
}

void CheckedCatalog::link_parent(CheckedTree &tree, bool whole)
{
	const u32 id = tree.record.parent.get();
	const TreeName name(tree);

	if (id == 0) {
		if (tree.since() != 0)
			TBK_FINDING(
				report_, TBK_FINDING_DAMAGED,
				"%s: has no parent, and shares what is older than generation %llu",
				name.text, tree.since());
		return;
	}
	CheckedTree *parent = find(id);

	if (!parent) {
		tree.broken = true;
		if (whole)
			TBK_FINDING(report_, TBK_FINDING_DAMAGED,
				    "%s: its parent, with id %u, is not there", name.text, id);
		return;
	}
	if (!parent->is_snapshot() || parent->generation() != tree.since()) {
		tree.broken = true;
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: descends from generation %llu, and its parent, %s, is of %llu",
			    name.text, tree.since(), TreeName(*parent).text, parent->generation());
		return;
	}
	/* Older all the way up: no cycles. */
	if (parent->since() >= parent->generation())
		return;
	tree.parent = parent;
	parent->children++;
}

/* Removed ones stay for their children's sake, or are on their way out. */
void CheckedCatalog::verify_state(const CheckedTree &tree)
{
	const TreeName name(tree);

	if (tree.is_hidden() && (!tree.is_snapshot() || tree.is_removing()))
		TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: is hidden and should not be",
			    name.text);
	else if (tree.is_hidden() && tree.children == 0)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: is kept for children that it does not have", name.text);
	if (tree.is_removing() && tree.children > 0)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: is being freed and has %u children",
			    name.text, tree.children);
}

/* Whether the parent can be on its way into @tree. */
void CheckedCatalog::verify_merge(CheckedTree &tree)
{
	CheckedTree *parent = tree.parent;
	const TreeName name(tree);

	if (tree.merged() == 0) {
		if (tree.gone() != 0)
			TBK_FINDING(report_, TBK_FINDING_DAMAGED,
				    "%s: %llu blocks of its parent are said to be merged, and no "
				    "merge has begun",
				    name.text, tree.gone());
		return;
	}
	if (!parent || !parent->is_hidden() || parent->children != 1 || parent->merged() != 0 ||
	    tree.merged() > format::end_of_keys || tree.gone() > parent->record.own.get()) {
		tree.broken = true;
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: its parent is said to be merged into it, and cannot be",
			    name.text);
		return;
	}
	parent->passed = tree.merged();
}

Status CheckedCatalog::verify(const format::Superblock &super, bool whole)
{
	if (count_ == 0)
		return {};
	order_ = static_cast<u32 *>(tbk_big_alloc(count_ * sizeof(u32)));
	families_ = static_cast<u32 *>(tbk_big_alloc(count_ * sizeof(u32)));
	if (!order_ || !families_)
		return Err::no_memory;
	for (u32 i = 0; i < count_; i++) {
		verify_one(trees_[i], super);
		link_parent(trees_[i], whole);
		report_.counts().volumes += !trees_[i].is_snapshot();
		report_.counts().snapshots += trees_[i].is_snapshot();
	}
	for (u32 i = 0; i < count_; i++) {
		verify_state(trees_[i]);
		verify_merge(trees_[i]);
	}
	TBK_TRY(verify_names(whole));
	sort();
	gather_families();
	return {};
}

} // namespace thinback
