// SPDX-License-Identifier: GPL-2.0
#include "tree_audit.h"

#include "../harness/check.h"

namespace thinback {

TreeAudit::TreeAudit(struct kunit *kunit, SmallPool &pool)
	: test(kunit),
	  pool_(pool),
	  seen_(static_cast<u64 *>(tbk_big_alloc(pool.super.blocks.get() / 8 + sizeof(u64))))
{
}

TreeAudit::~TreeAudit()
{
	tbk_big_free(seen_);
}

void TreeAudit::look_at(const Tree &tree, Visitor visitor)
{
	REQUIRE(seen_ != nullptr);
	tree_ = &tree;
	visitor_ = visitor;
	nodes = records = mapped = own = taken_over = 0;
	if (!tree.is_empty())
		walk(tree.root(), { 0, format::end_of_keys });
}

void TreeAudit::look_at_rest(const Tree &tree, u64 from)
{
	from_ = from;
	look_at(tree);
	from_ = 0;
}

void TreeAudit::mark(u64 start, u64 count, bool is_own)
{
	REQUIRE(count == 0 || pool_.space->is_sound(start, count));
	for (u64 block = start; block < start + count; block++) {
		const u32 at = static_cast<u32>(block);

		if (test_bit(seen_, at)) {
			CHECK(!is_own);
			continue;
		}
		set_bits(seen_, at, 1);
		seen++;
	}
}

void TreeAudit::check_header(const Node &node, const NodePointer &pointer, Range range)
{
	const auto &header = node.header();

	CHECK_EQ(node.level(), pointer.level);
	CHECK_EQ(node.birth(), pointer.birth);
	CHECK(node.kind() == tree_->kind);
	CHECK(header.low.get() >= range.low && header.high.get() <= range.high);
	CHECK(header.low.get() < header.high.get());
	CHECK(node.count() > 0);
	if (node.sealed)
		CHECK_EQ(header.checksum.get(), pointer.checksum);
	else
		CHECK(node.dirty.load_relaxed());
	const u64 count = header.high.get() - header.low.get();

	const bool is_own = tree_->owned(node.birth(), header.low.get(), count) == count;

	mark(node.block(), 1, is_own);
	CHECK_EQ(node.mirror, pointer.mirror);
	if (pointer.mirror)
		mark(pointer.mirror, 1, is_own);
	/* If there was room when it was sealed; leaves of volumes that are no roots have none. */
	const bool has_copy = node.block() == tree_->root_block() || node.level() > 0 ||
			      tree_->kind == format::TreeKind::catalog;

	if (node.sealed && has_copy)
		CHECK(pointer.mirror != 0 || header.checkpoint.get() <= pool_.last_short);
	else
		CHECK_EQ(pointer.mirror, 0);
}

/* Ascending, and inside what the header says. */
void TreeAudit::check_keys(const Node &node)
{
	u64 least = node.header().low.get();

	for (u32 i = 0; i < node.count(); i++) {
		const u64 key = node.key(node.layout(), i);

		CHECK(key >= least && key < node.header().high.get());
		least = key + 1;
	}
	if (node.level() > 0)
		CHECK_EQ(node.key(node.layout(), 0), node.header().low.get());
}

void TreeAudit::check_extents(const Node &leaf)
{
	u64 end = leaf.header().low.get();

	for (u32 i = 0; i < leaf.count(); i++) {
		const u64 place = leaf.word(leaf.layout(), i, 0);
		const u64 target = leaf.word(leaf.layout(), i, 1) & format::low_48;
		const u64 birth = leaf.word(leaf.layout(), i, 2);
		const u64 count = place & format::max_extent;
		const u64 skip = from_ > place >> 24 ? from_ - (place >> 24) : 0;

		CHECK(place >> 24 >= end && count > 0);
		end = (place >> 24) + count;
		CHECK(birth <= leaf.birth());
		if (skip >= count)
			continue;
		const u64 start = (place >> 24) + skip;
		const u64 owned = tree_->owned(birth, start, count - skip);

		mark(target + skip, owned, true);
		mark(target + skip + owned, count - skip - owned, false);
		mapped += count - skip;
		(birth > tree_->since() ? own : taken_over) += owned;
	}
	CHECK(end <= leaf.header().high.get());
}

void TreeAudit::walk(const NodePointer &pointer, Range range)
{
	if (range.high <= from_)
		return;
	auto got = pool_.cache->get(pointer, tree_->kind);

	REQUIRE_OK(got);
	const Pin node(*pool_.cache, got.value());

	nodes++;
	check_header(*node.get(), pointer, range);
	check_keys(*node.get());
	if (node->level() == 0) {
		records += node->count();
		if (tree_->kind == format::TreeKind::extents)
			check_extents(*node.get());
		if (visitor_.leaf)
			visitor_.leaf(visitor_.context, *node.get());
		return;
	}
	for (u32 i = 0; i < node->count(); i++) {
		const u64 low = node->key(node->layout(), i);
		const bool is_last = i + 1 == node->count();
		const NodePointer child = node->pointer(i);

		CHECK(child.birth <= node->birth());
		CHECK(!node->is_pending(i) || !node->sealed);
		walk(child, { low, is_last ? range.high : node->key(node->layout(), i + 1) });
	}
}

void TreeAudit::check_all_seen(u64 held)
{
	CHECK_EQ(pool_.space->free_blocks() + pool_.space->freeing_blocks() + seen + held,
		 pool_.empty);
}

} // namespace thinback
