// SPDX-License-Identifier: GPL-2.0
#include "check_tree.h"

namespace thinback {

Result<Owned<TreeWalk>> TreeWalk::create(NodeReader &reader, BlockLedger &ledger,
					 CheckReport &report)
{
	Owned<TreeWalk> walk = TBK_TRY(make<TreeWalk>(reader, ledger, report));

	walk->images_ = static_cast<u8 *>(tbk_big_alloc(format::max_height * format::block_size));
	if (!walk->images_)
		return Err::no_memory;
	return walk;
}

TreeWalk::~TreeWalk()
{
	tbk_big_free(images_);
}

/* Part of the tree is missing: what it says of counts cannot be verified, nor what has leaked. */
void TreeWalk::tell_broken()
{
	whole_ = false;
	if (tree_)
		tree_->broken = true;
}

void TreeWalk::tell_node(const NodePointer &pointer, const char *what)
{
	TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: node of level %u in block %llu: %s", name_,
		    pointer.level, pointer.block, what);
}

Status TreeWalk::read_catalog(const format::Superblock &super, CheckedCatalog &catalog)
{
	kind_ = format::TreeKind::catalog;
	catalog_ = &catalog;
	tree_ = nullptr;
	since_ = 0;
	begin_merge();
	tbk_format(name_, sizeof(name_), "catalog");
	return start(read_root(super.catalog), super.generation.get());
}

Status TreeWalk::check(CheckedTree &tree, u64 newest)
{
	const u64 mapped = report_.counts().data_blocks;

	kind_ = format::TreeKind::extents;
	tree_ = &tree;
	since_ = tree.since();
	begin_merge();
	tbk_format(name_, sizeof(name_), "%s", TreeName(tree).text);
	TBK_TRY(start(read_root(tree.record.root),
		      tree.is_snapshot() ? tree.generation() : newest));
	tree.own = report_.counts().data_blocks - mapped - inherited_;
	compare_counts();
	compare_merge();
	return {};
}

Status TreeWalk::start(const NodePointer &root, u64 newest)
{
	if (root.block == 0) {
		if (root.birth || root.checksum || root.level)
			tell_node(root, "an empty tree has no such root");
		return {};
	}
	if (root.birth > newest || root.level >= format::max_height) {
		tell_node(root, "the root is said to be newer, or higher, than it can be");
		tell_broken();
		return {};
	}
	return visit(root, { 0, format::end_of_keys });
}

/* Blocks of the tree's own: nobody else's, and in use. */
Status TreeWalk::strike(Struck what, u64 start, u64 count)
{
	static constexpr const char *texts[] = { "data", "a node", "a node's copy" };
	const char *text = texts[static_cast<u32>(what)];
	const auto struck = TBK_TRY(ledger_.strike(start, count, what == Struck::data));

	has_twice_ |= struck.twice != 0;
	if (struck.twice)
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: block %llu of %s belongs to something else as well", name_,
			    struck.twice, text);
	if (struck.free)
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "%s: block %llu of %s is marked as free", name_, struck.free, text);
	return {};
}

/* What cannot be a copy's place is not taken for one by those who read. */
Status TreeWalk::strike_copy(const NodePointer &pointer)
{
	if (pointer.mirror == 0)
		return {};
	if (ledger_.is_sound(pointer.mirror, 1)) {
		report_.counts().copies++;
		return strike(Struck::copy, pointer.mirror, 1);
	}
	tell_node(pointer, "its copy is said to lie where none can be");
	return {};
}

Status TreeWalk::note_bad(const NodePointer &pointer, Copy copy, Err why)
{
	const bool is_first = copy == Copy::first;

	TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
		    "%s: node of level %u in block %llu%s: %s; the other copy is sound", name_,
		    pointer.level, block_of(pointer, copy), is_first ? "" : ", a second copy",
		    to_text(why));
	return bad_copies_.add({ pointer, kind_, copy });
}

/* False, and told, when neither copy is sound. */
Result<bool> TreeWalk::read(const NodePointer &pointer, u8 *image)
{
	const NodeReader::Copies found = reader_.read_both(pointer, kind_, image);
	const bool has_second = pointer.mirror && found.second == Err::ok;

	report_.step(pointer.mirror ? 2 : 1);
	if (found.first == Err::no_memory || found.second == Err::no_memory)
		return Err::no_memory;
	if (found.first == Err::ok && found.second != Err::ok)
		TBK_TRY(note_bad(pointer, Copy::second, found.second));
	if (found.first != Err::ok && has_second)
		TBK_TRY(note_bad(pointer, Copy::first, found.first));
	if (found.first == Err::ok || has_second)
		return true;
	tell_node(pointer, to_text(found.first));
	tell_broken();
	return false;
}

/* Never deeper than max_height: the level goes down with each step. */
Status TreeWalk::visit(const NodePointer &pointer, Range range)
{
	if (range.high <= passed_)
		return {};
	if (!ledger_.is_sound(pointer.block, 1)) {
		tell_node(pointer, "no tree node can be there");
		tell_broken();
		return note_lost(pointer, false);
	}
	if (pointer.birth <= since_ && !is_taken_over(pointer)) {
		visit_shared(pointer, range);
		return {};
	}
	TBK_TRY(strike(Struck::node, pointer.block, 1));
	u8 *image = images_ + pointer.level * format::block_size;

	TBK_TRY(strike_copy(pointer));
	if (!TBK_TRY(read(pointer, image)))
		return note_lost(pointer, false);
	const Node node(pointer.block, image);
	const auto &header = node.header();

	report_.counts().nodes++;
	if (header.low.get() < range.low || header.high.get() > range.high)
		tell_node(pointer, "covers more than its parent says");
	if (header.count.get() == 0)
		tell_node(pointer, "is empty");
	verify_taken_over(pointer, node);
	const u64 mapped_before = tree_ ? tree_->mapped : 0;
	const u64 lost_before = lost_seen_;

	TBK_TRY(pointer.level > 0 ? visit_children(node, range) : visit_records(node));
	if (lost_seen_ != lost_before)
		TBK_TRY(note_lost(pointer, true));
	return remember(node, mapped_before);
}

/* Of the catalog nobody could tell what is missing. */
Status TreeWalk::note_lost(const NodePointer &pointer, bool is_path)
{
	if (!lost_ || !tree_)
		return {};
	lost_seen_++;
	return lost_->add({ pointer.block, tree_->id(), pointer.level, is_path });
}

Status TreeWalk::visit_children(const Node &node, Range range)
{
	const NodeLayout layout = node.layout();
	u64 low = range.low;

	for (u32 i = 0; i < node.count(); i++) {
		const bool is_last = i + 1 == node.count();
		const u64 high = is_last ? range.high : node.key(layout, i + 1);

		TBK_TRY(visit(node.pointer(i), { low, high }));
		low = high;
	}
	return {};
}

/* Children will come upon it, when it is a snapshot's. */
Status TreeWalk::remember(const Node &node, u64 mapped_before)
{
	if (!tree_ || !tree_->is_snapshot())
		return {};
	return shared_.add({ node.block(), node.header().low.get(), node.header().high.get(),
			     tree_->mapped - mapped_before });
}

Status TreeWalk::visit_records(const Node &leaf)
{
	if (kind_ == format::TreeKind::extents)
		return visit_extents(leaf);
	const auto *records = reinterpret_cast<const format::CatalogRecord *>(
		leaf.image() + sizeof(format::BlockHeader));

	for (u32 i = 0; i < leaf.count(); i++)
		TBK_TRY(catalog_->add(records[i]));
	return {};
}

Status TreeWalk::visit_extents(const Node &leaf)
{
	const auto *extents = reinterpret_cast<const format::Extent *>(leaf.image() +
								       sizeof(format::BlockHeader));

	for (u32 i = 0; i < leaf.count(); i++)
		TBK_TRY(visit_extent(extents[i]));
	report_.counts().extents += leaf.count();
	return {};
}

/* Order, length and birth were seen to when its leaf was read. */
Status TreeWalk::visit_extent(const format::Extent &extent)
{
	const u64 start = extent.place.get() >> 24;
	const u64 count = extent.place.get() & format::max_extent;
	const u64 target = extent.target.get() & format::low_48;
	const bool is_data =
		extent.target.get() >> 48 == static_cast<u64>(format::ExtentState::data);

	/* A volume that was cut off hides what its parent has there. */
	if (is_data && start + count > tree_->record.size.get())
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: its blocks %llu to %llu lie past its end", name_, start,
			    start + count - 1);
	if (!is_data)
		return {};
	if (!ledger_.is_sound(target, count)) {
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: its block %llu is said to lie in block %llu, where no data can be",
			    name_, start, target);
		tell_broken();
		return {};
	}
	return visit_data(extent);
}

/* What is the tree's own, or has become so, comes first; then what its parent has as well. */
Status TreeWalk::visit_data(const format::Extent &extent)
{
	const u64 place = extent.place.get() >> 24;
	const u64 end = place + (extent.place.get() & format::max_extent);
	const u64 start = place > passed_ ? place : passed_;
	const u64 target = (extent.target.get() & format::low_48) - place;

	if (start >= end)
		return {};
	tree_->mapped += end - start;
	if (extent.birth.get() > since_) {
		report_.counts().data_blocks += end - start;
		return strike(Struck::data, target + start, end - start);
	}
	const u64 split = start > merged_ ? start : merged_ < end ? merged_ : end;

	if (split > start && extent.birth.get() > floor_) {
		inherited_ += split - start;
		report_.counts().data_blocks += split - start;
		TBK_TRY(strike(Struck::data, target + start, split - start));
	} else if (split > start) {
		visit_inherited(extent, { start, split });
	}
	if (end > split)
		visit_inherited(extent, { split, end });
	return {};
}

} // namespace thinback
