// SPDX-License-Identifier: GPL-2.0
/* Changing an opened leaf: splits and removals up the path. Nothing here can fail. */
#include "tree_editor.h"

namespace thinback {
namespace {

void move_records(Node &node, u32 to, u32 from, u32 count)
{
	const NodeLayout layout = node.layout();

	node.copy_words(layout, to, node, from, count * layout.words);
}

void copy_records(Node &to, u32 at, const Node &from, u32 first, u32 count)
{
	const NodeLayout layout = from.layout();

	to.copy_words(layout, at, from, first, count * layout.words);
}

} // namespace

void TreeEditor::write_records(Node &node, u32 at, const u64 *records, u32 count)
{
	const NodeLayout layout = node.layout();

	for (u32 w = 0; w < count * layout.words; w++)
		node.set_word(layout, at, w, records[w]);
}

void TreeEditor::store(const u64 *records, u32 count)
{
	Node &leaf = *path_[0].node;
	const u32 capacity = leaf.layout().capacity;
	SeqWriteGuard changing(tree_->seq);

	TBK_ASSERT(count < 2 * capacity);
	if (count == 0) {
		remove_leaf();
		return;
	}
	if (count > capacity) {
		split_leaf(records, count);
		return;
	}
	write_records(leaf, 0, records, count);
	leaf.set_count(count);
	if (count <= capacity / 4)
		merge_next();
}

void TreeEditor::splice(u32 from, u32 to, const u64 *records, u32 count)
{
	Node &leaf = *path_[0].node;
	const u32 capacity = leaf.layout().capacity;
	const u32 old = leaf.count();
	const u32 now = old - (to - from) + count;
	SeqWriteGuard changing(tree_->seq);

	TBK_ASSERT(now > 0 && now <= capacity);
	if (count != to - from)
		move_records(leaf, from + count, to, old - to);
	write_records(leaf, from, records, count);
	leaf.set_count(now);
	if (now <= capacity / 4)
		merge_next();
}

/* What grows at its end leaves full leaves behind. */
void TreeEditor::split_leaf(const u64 *records, u32 count)
{
	Node &leaf = *path_[0].node;
	const NodeLayout layout = leaf.layout();
	const bool at_end = high_ == format::end_of_keys;
	const u32 stays = at_end ? layout.capacity : count / 2;
	const u64 key = records[stays * layout.words] >> layout.key_shift;
	Node &right = fresh_node(0, key, high_);

	write_records(right, 0, records + stays * layout.words, count - stays);
	right.set_count(count - stays);
	write_records(leaf, 0, records, stays);
	leaf.set_count(stays);
	leaf.header().high.set(key);
	if (tree_->root_level() == 0)
		grow_root();
	insert_entry(1, path_[1].index + 1, key, right);
	cache_.unpin(right);
}

void TreeEditor::grow_root()
{
	const u32 level = tree_->root_level();
	Node &old = *path_[level].node;
	Node &root = fresh_node(level + 1, 0, format::end_of_keys);

	TBK_ASSERT(level + 1 < format::max_height);
	root.set_pointer(0, 0, pointer_to(old), true);
	root.set_count(1);
	tree_->set_root(pointer_to(root), true);
	path_[level + 1] = { &root, 0 };
}

void TreeEditor::insert_entry(u32 level, u32 index, u64 key, const Node &child)
{
	if (path_[level].node->count() == format::branch_capacity) {
		const u32 before = path_[level].index;

		split_branch(level);
		/* The path may lead through the right half now, whose entries count from its start. */
		index -= before - path_[level].index;
	}
	Node &node = *path_[level].node;
	const u32 count = node.count();

	move_records(node, index + 1, index, count - index);
	node.set_pointer(index, key, pointer_to(child), true);
	node.set_count(count + 1);
}

/* Half of a full branch goes to a new one on its right; the path follows its entry. */
void TreeEditor::split_branch(u32 level)
{
	Node &left = *path_[level].node;
	const u32 count = left.count();
	const u32 stays = count / 2;
	const u64 key = left.key(left.layout(), stays);
	Node &right = fresh_node(level, key, left.header().high.get());

	copy_records(right, 0, left, stays, count - stays);
	right.set_count(count - stays);
	left.set_count(stays);
	left.header().high.set(key);
	if (tree_->root_level() == level)
		grow_root();
	insert_entry(level + 1, path_[level + 1].index + 1, key, right);
	if (path_[level].index < stays) {
		cache_.unpin(right);
		return;
	}
	cache_.unpin(left);
	path_[level] = { &right, path_[level].index - stays };
	path_[level + 1].index++;
}

void TreeEditor::remove_leaf()
{
	Node &leaf = *path_[0].node;

	path_[0].node = nullptr;
	retire(leaf);
	if (tree_->root_level() == 0) {
		tree_->set_root({}, false);
		return;
	}
	remove_entry(1, path_[1].index);
	collapse_root();
}

void TreeEditor::remove_entry(u32 level, u32 index)
{
	Node &node = *path_[level].node;
	const NodeLayout layout = node.layout();
	const u32 count = node.count();
	const u64 key = node.key(layout, index);

	if (count == 1) {
		path_[level].node = nullptr;
		retire(node);
		if (tree_->root_level() == level)
			tree_->set_root({}, false);
		else
			remove_entry(level + 1, path_[level + 1].index);
		return;
	}
	move_records(node, index, index + 1, count - index - 1);
	node.set_count(count - 1);
	/* The next one takes over the range of the first; others' goes to the one before. */
	if (index == 0)
		node.set_word(layout, 0, 0, key);
}

/*
 * A root with a single child adds nothing. One that is not on the path goes if it is in memory.
 * A leaf that is on disk already has no second copy, as a root must: there the root stays.
 */
void TreeEditor::collapse_root()
{
	while (!tree_->is_empty() && tree_->root_level() > 0) {
		Node *&on_path = path_[tree_->root_level()].node;
		Node *root = on_path ? on_path : cache_.get_cached(tree_->root_block());

		if (!root)
			return;
		if (root->count() > 1 || (root->level() == 1 && !root->is_pending(0))) {
			if (!on_path)
				cache_.unpin(*root);
			return;
		}
		tree_->set_root(root->pointer(0), root->is_pending(0));
		on_path = nullptr;
		retire(*root);
	}
}

/* A leaf that has become small takes in a small neighbour, if that is in memory. */
void TreeEditor::merge_next()
{
	if (tree_->root_level() == 0)
		return;
	Node &leaf = *path_[0].node;
	Node &parent = *path_[1].node;
	const u32 next = path_[1].index + 1;
	const u32 count = leaf.count();

	if (next >= parent.count())
		return;
	Node *neighbour = cache_.get_cached(parent.child(next));

	if (!neighbour)
		return;
	if (count + neighbour->count() > leaf.layout().capacity * 3 / 4) {
		cache_.unpin(*neighbour);
		return;
	}
	copy_records(leaf, count, *neighbour, 0, neighbour->count());
	leaf.set_count(count + neighbour->count());
	leaf.header().high.set(neighbour->header().high.get());
	high_ = leaf.header().high.get();
	retire(*neighbour);
	remove_entry(1, next);
	collapse_root();
}

} // namespace thinback
