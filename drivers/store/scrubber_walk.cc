// SPDX-License-Identifier: GPL-2.0
/* What a scrub reads, and in which order. */
#include "pool.h"

namespace thinback {

/* False after the last. Ids are never used twice, and grow. */
bool Scrubber::next_tree()
{
	Catalog &catalog = pool_.catalog();
	MutexGuard guard(catalog.lock());
	const Volume *volume = catalog.next(id_);

	if (!volume)
		return false;
	id_ = volume->id;
	kind_ = format::TreeKind::extents;
	cursor_ = gathered_ = 0;
	retries_ = 0;
	return true;
}

void Scrubber::begin_tree(const Tree &tree)
{
	since_ = tree.since();
	floor_ = tree.floor();
	merged_ = tree.merged();
}

/* The others are walked with the snapshot that they came from. */
bool Scrubber::is_own(u64 birth, u64 low) const
{
	return birth > since_ || (birth > floor_ && low < merged_);
}

/* Where a snapshot is merged into its child, which has what is before that key. */
u64 Scrubber::passed_of(Catalog &catalog, const Volume &volume)
{
	if (!(volume.flags & format::catalog_hidden))
		return 0;
	for (Volume *child : catalog.all()) {
		if (child->parent != &volume)
			continue;
		MutexGuard guard(child->lock);

		if (child->tree.merged())
			return child->tree.merged();
	}
	return 0;
}

void Scrubber::gather_volume(Catalog &catalog)
{
	Volume *volume = catalog.find_id(id_);

	if (!volume)
		return;
	if (volume->is_gone())
		tbk_format(name_, sizeof(name_), "removed volume or snapshot %u", volume->id);
	else if (volume->is_snapshot())
		tbk_format(name_, sizeof(name_), "%s@%s", volume->of.text, volume->name.text);
	else
		tbk_format(name_, sizeof(name_), "%s", volume->name.text);
	size_ = volume->size();
	passed_ = passed_of(catalog, *volume);
	MutexGuard guard(volume->lock);
	const NodePointer root = volume->tree.root();

	begin_tree(volume->tree);
	if (root.block)
		collect(root, volume->tree.is_root_pending(), 0, format::end_of_keys);
}

/* Of one that is gone there is nothing more. */
void Scrubber::gather()
{
	Catalog &catalog = pool_.catalog();
	MutexGuard guard(catalog.lock());

	count_ = next_ = depth_ = 0;
	gathered_ = format::end_of_keys;
	looks_ = most_looks;
	passed_ = 0;
	if (id_ != 0)
		return gather_volume(catalog);
	tbk_format(name_, sizeof(name_), "catalog");
	begin_tree(catalog.tree());
	collect(catalog.tree().root(), catalog.tree().is_root_pending(), 0, format::end_of_keys);
}

/*
 * As deep as the tree is high; its lock is held. What is not on the device yet is in
 * memory, and stays there while that is so.
 */
void Scrubber::collect(const NodePointer &pointer, bool is_pending, u64 low, u64 high)
{
	if (high <= cursor_ || high <= passed_ || gathered_ <= low ||
	    (!is_pending && !is_own(pointer.birth, low)))
		return;
	if (count_ == most_parts || looks_ == 0) {
		gathered_ = low;
		return;
	}
	looks_--;
	const Pin node(pool_.cache(), pool_.cache().get_cached(pointer.block));

	if (!is_pending && !(node.get() && node->dirty.load_relaxed()))
		parts_[count_++] = { pointer, low, high };
	else if (pointer.level > 0)
		collect_children(*node.get(), low, high);
}

void Scrubber::collect_children(const Node &node, u64 low, u64 high)
{
	const Part part = { {}, low, high };

	for (u32 i = 0; i < node.count(); i++) {
		const Part child = child_of(node, part, i);

		collect(child.pointer, node.is_pending(i), child.low, child.high);
	}
}

Scrubber::Part Scrubber::child_of(const Node &node, const Part &part, u32 index)
{
	const NodeLayout layout = node.layout();

	return { node.pointer(index), index ? node.key(layout, index) : part.low,
		 index + 1 < node.count() ? node.key(layout, index + 1) : part.high };
}

bool Scrubber::is_wanted(const Part &part) const
{
	return part.high > cursor_ && part.high > passed_ && is_own(part.pointer.birth, part.low);
}

/* False when there are no parts left. */
bool Scrubber::next_part(Part &part)
{
	while (depth_ > 0) {
		Open &open = open_[depth_ - 1];
		const Node node(open.part.pointer.block, image(depth_ - 1));

		while (open.next < node.count()) {
			part = child_of(node, open.part, open.next++);
			if (is_wanted(part))
				return true;
		}
		cursor_ = open.part.high;
		depth_--;
	}
	if (next_ < count_) {
		part = parts_[next_++];
		return true;
	}
	cursor_ = gathered_;
	return false;
}

Err Scrubber::read(const Part &part, Copy copy)
{
	if (copy == Copy::second && part.pointer.mirror == 0)
		return Err::ok;
	count_read();
	return read_node(pool_.device(), part.pointer, copy, kind_, pool_.cache().home(),
			 image(depth_))
		.error();
}

/* What is left in memory is a sound one, if there is. */
Scrubber::Copies Scrubber::read_both(const Part &part)
{
	Copies copies{};

	copies.second = read(part, Copy::second);
	copies.first = read(part, Copy::first);
	if (copies.first != Err::ok && copies.second == Err::ok)
		copies.second = read(part, Copy::second);
	return copies;
}

void Scrubber::visit(const Part &part)
{
	if (read_both(part).are_sound())
		pass(part);
	else
		judge(part);
}

/* Its image has been read. Below are less than max_height levels. */
void Scrubber::pass(const Part &part)
{
	retries_ = 0;
	if (part.pointer.level > 0)
		open_[depth_++] = { part, 0 };
	else
		cursor_ = part.high;
}

} // namespace thinback
