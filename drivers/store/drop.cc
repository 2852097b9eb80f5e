// SPDX-License-Identifier: GPL-2.0
#include "drop.h"

namespace thinback {

Result<Owned<Dropper>> Dropper::create(struct tbk_device &device, const format::Superblock &super,
				       Survey &survey, struct tbk_check &check)
{
	Owned<Dropper> dropper = TBK_TRY(make<Dropper>(device, super, survey, check));

	dropper->reader_ = TBK_TRY(
		NodeReader::create(device, { super.header.pool.get(), super.blocks.get() }));
	dropper->lost_range_ = TBK_TRY(LostRange::create(*dropper->reader_, survey));
	dropper->images_ =
		static_cast<u8 *>(tbk_big_alloc((2 * format::max_height + 1) * format::block_size));
	if (!dropper->images_)
		return Err::no_memory;
	return dropper;
}

Dropper::~Dropper()
{
	while (Told *told = told_) {
		told_ = told->next;
		tbk_free(told);
	}
	tbk_big_free(images_);
}

/* Of a branch nobody knows what is below; who descends from it may have part of that. */
bool Dropper::may_go(const LostNode &node) const
{
	const CheckedTree *owner = survey_.catalog.find(node.owner);

	return owner && (node.level == 0 || owner->children == 0);
}

/* The only child of a snapshot of which a branch is lost: takes its place. */
CheckedTree *Dropper::heir(const CheckedTree &tree) const
{
	bool is_lost = false;

	survey_.lost.each([&](const LostNode &node) {
		is_lost |= !node.is_path && node.level > 0 && node.owner == tree.id();
	});
	for (u32 i = 0; is_lost && tree.children == 1 && i < survey_.catalog.count(); i++) {
		CheckedTree &other = survey_.catalog.in_order(i);

		if (other.parent == &tree && !tree.merged() && !other.merged())
			return &other;
	}
	return nullptr;
}

bool Dropper::has_work() const
{
	bool has = false;

	survey_.lost.each([&](const LostNode &node) {
		const CheckedTree *owner = survey_.catalog.find(node.owner);

		has |= !node.is_path && (may_go(node) || (owner && heir(*owner)));
	});
	return has;
}

/* One snapshot at a time, and nothing else: the next survey tells what is left. */
Status Dropper::run(Pool &pool)
{
	MutexGuard guard(pool.catalog().lock());

	pool_ = &pool;
	for (u32 i = 0; i < survey_.catalog.count(); i++) {
		CheckedTree &tree = survey_.catalog.in_order(i);

		if (CheckedTree *child = heir(tree))
			return replace_snapshot(tree, *child, pool);
	}
	for (u32 i = 0; i < survey_.catalog.count(); i++)
		TBK_TRY(drop_in(survey_.catalog.in_order(i), pool));
	return {};
}

Status Dropper::drop_in(CheckedTree &tree, Pool &pool)
{
	Volume *volume = pool.catalog().find_id(static_cast<u32>(tree.id()));
	const NodePointer root = read_root(tree.record.root);

	if (!volume || !survey_.lost.find(root.block))
		return {};
	MutexGuard guard(volume->lock);

	tree_ = &tree;
	epoch_ = pool.checkpointer().begin_change(*volume).epoch;
	volume->tree.set_root(TBK_TRY(rewrite_root(root)), false);
	return {};
}

/* What it had, and the child does not reach, nobody does: a repair finds it in use by nobody. */
Status Dropper::replace_snapshot(CheckedTree &from, CheckedTree &into, Pool &pool)
{
	Checkpointer &checkpointer = pool.checkpointer();
	Volume *old = pool.catalog().find_id(static_cast<u32>(from.id()));
	Volume *child = pool.catalog().find_id(static_cast<u32>(into.id()));

	if (!old || !child || child->parent != old)
		return {};
	TBK_TRY(remember(from, { 0, 0 }));
	{
		MutexGuard guard(old->lock);

		old->tree.set_root({}, false);
		checkpointer.forget(*old);
	}
	{
		MutexGuard guard(child->lock);

		checkpointer.begin_change(*child);
		child->tree.set_since(old->tree.since());
	}
	child->parent = old->parent;
	checkpointer.begin_structural(pool.catalog());
	pool.catalog().remove(*old);
	return {};
}

/* ---- words ---- */

Status Dropper::remember(const CheckedTree &tree, Range range)
{
	auto *told = static_cast<Told *>(tbk_alloc(sizeof(Told), TBK_MAY_SLEEP));

	if (!told)
		return Err::no_memory;
	*told = { tree.id(), range.low, min(range.high, max(range.low + 1, tree.record.size.get())),
		  nullptr };
	*told_end_ = told;
	told_end_ = &told->next;
	return {};
}

void Dropper::tell()
{
	for (const Told *told = told_; told && check_.mended; told = told->next) {
		const TreeName name(*survey_.catalog.find(told->id));

		if (told->low == told->high)
			tbk_format(text_, sizeof(text_),
				   "%s: dropped, as an inner node of it is lost", name.text);
		else
			tbk_format(text_, sizeof(text_),
				   "%s: its blocks %llu to %llu are given up: what nobody "
				   "else has of them reads as an error until it is written",
				   name.text, told->low, told->high - 1);
		check_.mended(&check_, text_);
	}
}

} // namespace thinback
