// SPDX-License-Identifier: GPL-2.0
/* Getting at a leaf: the stash, shadows, the way down. What happens there is in tree_store.cc. */
#include "tree_editor.h"

namespace thinback {

TreeEditor::~TreeEditor()
{
	TBK_ASSERT(!tree_);
	relax();
}

void TreeEditor::relax()
{
	while (stashed_ > 0) {
		Node *node = stash_[--stashed_];

		space_.give_back({ node->block(), 1 });
		cache_.discard_prepared(node);
	}
}

Status TreeEditor::fill_stash(u32 wanted)
{
	TBK_ASSERT(wanted <= stash_size);
	while (stashed_ < wanted) {
		Want want;

		want.goal = last_block_ ? last_block_ + 1 : 0;
		want.metadata = true;
		want.spare = spare_;
		const Run run = TBK_TRY(space_.take(home_, want));
		auto node = cache_.prepare(run.start);

		if (!node.is_ok()) {
			space_.give_back(run);
			return node.error();
		}
		last_block_ = run.start;
		stash_[stashed_++] = node.release();
	}
	return {};
}

/* Out of the stash, into the index: pinned, empty. */
Node &TreeEditor::fresh_node(u32 level, u64 low, u64 high)
{
	TBK_ASSERT(stashed_ > 0);
	Node &node = *stash_[--stashed_];
	auto &header = node.header();

	header.birth.set(moment_.generation);
	header.level = static_cast<u8>(level);
	header.kind = static_cast<u8>(tree_->kind);
	header.low.set(low);
	header.high.set(high);
	space_.use(moment_.epoch, { node.block(), 1 });
	cache_.insert_prepared(node);
	return node;
}

/* A copy of a sealed node to change. The old one is still the caller's. */
Node &TreeEditor::shadow(Node &sealed)
{
	TBK_ASSERT(stashed_ > 0);
	Node &node = *stash_[--stashed_];

	__builtin_memcpy(node.image(), sealed.image(), format::block_size);
	node.header().birth.set(moment_.generation);
	space_.use(moment_.epoch, { node.block(), 1 });
	cache_.insert_prepared(node);
	return node;
}

/* Nobody leads to it any more from this tree: free it unless another tree may. Takes the pin. */
void TreeEditor::retire(Node &node)
{
	const u64 low = node.header().low.get();
	const u64 count = node.header().high.get() - low;

	if (tree_->owned(node.birth(), low, count) < count) {
		cache_.unpin(node);
		return;
	}
	TBK_ASSERT(retired_count_ < sizeof(retired_) / sizeof(retired_[0]));
	retired_[retired_count_++] = &node;
}

void TreeEditor::forget(Node &node)
{
	const u64 block = node.block();
	const u64 mirror = node.mirror;

	cache_.drop(node);
	space_.free_node(moment_.epoch, block, mirror);
}

NodePointer TreeEditor::pointer_to(const Node &node) const
{
	return { node.block(), node.birth(), 0, node.level() };
}

/*
 * The node is ours and of now, and covers [low_, high_): more than when it was
 * last written if it took over a neighbour's range, or was one of several and
 * is the root now. A branch's first key is where its range begins.
 */
void TreeEditor::renew(Node &node)
{
	auto &header = node.header();

	header.birth.set(moment_.generation);
	header.low.set(low_);
	header.high.set(high_);
	if (node.level() > 0)
		node.set_word(node.layout(), 0, 0, low_);
}

Status TreeEditor::open_root(bool create)
{
	if (tree_->is_empty()) {
		if (!create)
			return Err::not_found;
		Node &root = fresh_node(0, 0, format::end_of_keys);
		SeqWriteGuard changing(tree_->seq);

		tree_->set_root(pointer_to(root), true);
		path_[0] = { &root, 0 };
		return {};
	}
	Node *root = TBK_TRY(cache_.get(tree_->root(), tree_->kind));

	if (root->sealed) {
		Node &copy = shadow(*root);

		retire(*root);
		root = &copy;
	}
	SeqWriteGuard changing(tree_->seq);

	renew(*root);
	tree_->set_root(pointer_to(*root), true);
	path_[root->level()] = { root, 0 };
	return {};
}

u64 TreeEditor::upper_bound_of(u32 level) const
{
	const Node &node = *path_[level].node;
	const u32 next = path_[level].index + 1;

	return next < node.count() ? node.key(node.layout(), next) : high_;
}

TreeEditor::GivenUp TreeEditor::take_given_up()
{
	const GivenUp given_up = given_up_;

	given_up_ = {};
	return given_up;
}

/* Where a lost leaf in the place of the one that covers [low_, high_) ends; past @gives_up_below_ nobody reads. */
u64 TreeEditor::end_of_lost() const
{
	return min(high_, max(gives_up_below_, low_ + 1));
}

/* Whether @leaf, which covers [low_, high_), is given up for @why. Not where one leaf does not hold that much (10 TiB). */
bool TreeEditor::gives_up(const NodePointer &leaf, Err why) const
{
	const u64 most = format::extent_capacity * format::max_extent;

	return leaf.level == 0 && gives_up(why) && end_of_lost() - low_ <= most;
}

/* In the place of @leaf, which covers [low_, high_). */
Node &TreeEditor::lost_leaf(const NodePointer &leaf, Err why)
{
	constexpr u64 lost = static_cast<u64>(format::ExtentState::lost) << 48;
	Node &node = fresh_node(0, low_, high_);
	const u64 end = end_of_lost();
	const NodeLayout layout = node.layout();
	u32 count = 0;

	for (u64 at = low_; at < end; count++) {
		const u64 run = min<u64>(end - at, format::max_extent);

		node.set_word(layout, count, 0, at << 24 | run);
		node.set_word(layout, count, 1, lost);
		node.set_word(layout, count, 2, moment_.generation);
		at += run;
	}
	node.set_count(count);
	given_up_ = { leaf, low_, end, why };
	return node;
}

/* The child of entry @index at @level, pinned and ours; [low_, high_) is its range. */
Result<Node *> TreeEditor::child_to_change(u32 level, u32 index)
{
	const NodePointer pointer = path_[level].node->pointer(index);
	auto read = cache_.get(pointer, tree_->kind);

	if (!read.is_ok() && gives_up(pointer, read.error()))
		return &lost_leaf(pointer, read.error());
	Node *child = TBK_TRY(move(read));

	if (!child->sealed)
		return child;
	Node &copy = shadow(*child);

	retire(*child);
	return &copy;
}

/* Makes the child of entry @index at @level ours; narrows low_ and high_ to it. */
Status TreeEditor::open_child(u32 level, u32 index)
{
	Node &parent = *path_[level].node;
	const u64 key = parent.key(parent.layout(), index);

	path_[level].index = index;
	high_ = upper_bound_of(level);
	if (index > 0)
		low_ = key;
	Node *child = TBK_TRY(child_to_change(level, index));

	{
		SeqWriteGuard changing(tree_->seq);

		renew(*child);
		parent.set_pointer(index, key, pointer_to(*child), true);
	}
	path_[level - 1] = { child, 0 };
	return {};
}

Status TreeEditor::open(Tree &tree, u64 key, Moment moment, bool create)
{
	TBK_ASSERT(!tree_);
	TBK_TRY(fill_stash(2 * (tree.root_level() + 1) + 2));
	tree_ = &tree;
	moment_ = moment;
	low_ = 0;
	high_ = format::end_of_keys;
	is_path_whole_ = true;
	Status opened = open_root(create);

	for (u32 level = tree.root_level(); opened.is_ok() && level > 0; level--) {
		const Node &node = *path_[level].node;
		const u32 upto = node.records_up_to(node.layout(), node.count(), key);

		opened = open_child(level, upto > 0 ? upto - 1 : 0);
	}
	if (!opened.is_ok())
		close();
	return opened;
}

/*
 * For a tree that is being freed, from its end: entries whose child is older
 * than `since` are let go without a look; the first that is not leads on.
 */
Status TreeEditor::open_last(Tree &tree, Moment moment)
{
	TBK_ASSERT(!tree_ && tree.merged() == 0);
	if (!tree.is_empty() && tree.root().birth <= tree.since()) {
		SeqWriteGuard changing(tree.seq);

		tree.set_root({}, false);
	}
	if (tree.is_empty())
		return Err::not_found;
	TBK_TRY(fill_stash(2 * (tree.root_level() + 1) + 2));
	tree_ = &tree;
	moment_ = moment;
	low_ = 0;
	high_ = format::end_of_keys;
	is_path_whole_ = true;
	Status opened = open_root(false);

	for (u32 level = tree.root_level(); opened.is_ok() && level > 0; level--) {
		Node &node = *path_[level].node;
		u32 count = node.count();

		while (count > 1 && node.pointer(count - 1).birth <= tree.since())
			count--;
		{
			SeqWriteGuard changing(tree.seq);
			node.set_count(count);
		}
		opened = open_child(level, count - 1);
	}
	if (!opened.is_ok())
		close();
	return opened;
}

void TreeEditor::close()
{
	for (Step &step : path_) {
		if (step.node)
			cache_.unpin(*step.node);
		step = {};
	}
	while (retired_count_ > 0)
		forget(*retired_[--retired_count_]);
	tree_ = nullptr;
}

} // namespace thinback
