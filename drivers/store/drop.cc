// SPDX-License-Identifier: GPL-2.0
#include "drop.h"

#include "sync_io.h"

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

/* ---- nodes ---- */

Result<NodePointer> Dropper::rewrite_root(const NodePointer &root)
{
	Successor now = TBK_TRY(rewrite(root, { 0, format::end_of_keys }));

	if (now.count == 0)
		return root;
	if (now.count == 1)
		return now.pieces[0];
	if (now.root.block == 0) {
		now.root = TBK_TRY(write_root_above(now));
		TBK_TRY(successors_.add(now));
	}
	return now.root;
}

Result<Dropper::Successor> Dropper::rewrite(const NodePointer &pointer, Range range)
{
	const LostNode *node = survey_.lost.find(pointer.block);
	const Successor *known = successors_.find(pointer.block);
	Successor now;

	if (known)
		return *known;
	now.block = pointer.block;
	if (!node || (!node->is_path && !may_go(*node)))
		return now;
	if (node->is_path)
		TBK_TRY(rewrite_path(pointer, range, now));
	else
		TBK_TRY(replace_lost(pointer, range, now));
	TBK_TRY(successors_.add(now));
	return now;
}

/* A copy with the successors of its children. */
Status Dropper::rewrite_path(const NodePointer &pointer, Range range, Successor &now)
{
	u8 *image = images_ + 2 * pointer.level * format::block_size;

	TBK_TRY(reader_->read(pointer, format::TreeKind::extents, image));
	const Node from(pointer.block, image);
	Node to = begin_node(image + format::block_size, pointer.level, pointer.birth,
			     { from.header().low.get(), from.header().high.get() });

	for (u32 i = 0; i < from.count(); i++) {
		const u64 key = from.key(from.layout(), i);
		const u64 next = i + 1 < from.count() ? from.key(from.layout(), i + 1) : range.high;

		TBK_TRY(add_successors(from.pointer(i), { key, next }, to));
	}
	now.count = 1;
	now.keys[0] = from.header().low.get();
	now.pieces[0] = TBK_TRY(write_node(to));
	return {};
}

Status Dropper::add_successors(const NodePointer &child, Range range, Node &to)
{
	const Successor now = TBK_TRY(rewrite(child, range));
	const u32 at = to.count();

	if (at + max(now.count, 1u) > format::branch_capacity)
		return Err::unsupported;
	if (now.count == 0) {
		to.set_pointer(at, range.low, child, false);
		to.set_count(at + 1);
		return {};
	}
	for (u32 i = 0; i < now.count; i++)
		to.set_pointer(at + i, i == 0 ? range.low : now.keys[i], now.pieces[i], false);
	to.set_count(at + now.count);
	return {};
}

Status Dropper::replace_lost(const NodePointer &pointer, Range range, Successor &now)
{
	TBK_TRY(remember(*tree_, range));
	return pointer.level == 0 ? write_leaves(pointer, range, now)
				  : write_chain(pointer, range, now);
}

Status Dropper::write_leaves(const NodePointer &pointer, Range range, Successor &now)
{
	const CheckedTree &owner = *survey_.catalog.find(survey_.lost.find(pointer.block)->owner);

	TBK_TRY(lost_range_->fill(owner, range.low, range.high, pointer.birth));
	for (u32 i = 0; i < lost_range_->count();) {
		const u32 left = lost_range_->count() - i;
		const u32 count = left < format::extent_capacity ? left : format::extent_capacity;
		const bool is_last = count == left;
		const u64 low = i == 0 ? range.low : lost_range_->extent(i).place.get() >> 24;
		const u64 high =
			is_last ? range.high : lost_range_->extent(i + count).place.get() >> 24;
		Node leaf =
			begin_node(images_ + format::block_size, 0, pointer.birth, { low, high });

		if (now.count == most_pieces)
			return Err::unsupported;
		__builtin_memcpy(leaf.image() + sizeof(format::BlockHeader),
				 &lost_range_->extent(i), count * sizeof(format::Extent));
		leaf.set_count(count);
		now.keys[now.count] = low;
		now.pieces[now.count++] = TBK_TRY(write_node(leaf));
		i += count;
	}
	return {};
}

/* As high as the branch that is lost, with nothing but a lost leaf, or some, at its foot. */
Status Dropper::write_chain(const NodePointer &pointer, Range range, Successor &now)
{
	TBK_TRY(write_leaves(pointer, range, now));
	for (u32 level = 1; level <= pointer.level; level++) {
		Node branch = begin_node(images_ + (2 * level + 1) * format::block_size, level,
					 pointer.birth, range);

		for (u32 i = 0; i < now.count; i++)
			branch.set_pointer(i, now.keys[i], now.pieces[i], false);
		branch.set_count(now.count);
		now.pieces[0] = TBK_TRY(write_node(branch));
		now.keys[0] = range.low;
		now.count = 1;
	}
	return {};
}

Result<NodePointer> Dropper::write_root_above(const Successor &now)
{
	const NodePointer &first = now.pieces[0];

	if (first.level + 1 >= format::max_height)
		return Err::unsupported;
	Node root = begin_node(images_ + 2 * format::max_height * format::block_size,
			       first.level + 1, first.birth, { 0, format::end_of_keys });

	for (u32 i = 0; i < now.count; i++)
		root.set_pointer(i, now.keys[i], now.pieces[i], false);
	root.set_count(now.count);
	return write_node(root);
}

Node Dropper::begin_node(u8 *image, u32 level, u64 birth, Range range)
{
	auto &header = *reinterpret_cast<format::BlockHeader *>(image);

	__builtin_memset(image, 0, format::block_size);
	header.magic.set(format::node_magic);
	header.pool.set(pool_id_);
	header.checkpoint.set(epoch_);
	header.birth.set(birth);
	header.owner.set(static_cast<u32>(tree_->id()));
	header.level = static_cast<u8>(level);
	header.kind = static_cast<u8>(format::TreeKind::extents);
	header.low.set(range.low);
	header.high.set(range.high);
	return Node(0, image);
}

/* To a block of its own. Nothing leads there before the checkpoint. */
Result<NodePointer> Dropper::write_node(Node &node)
{
	Want want;

	want.metadata = true;
	want.goal = last_block_ ? last_block_ + 1 : 0;
	const Run run = TBK_TRY(pool_->space().take(home_, want));

	last_block_ = run.start;
	node.header().self.set(run.start);
	seal_block(node.image());
	pool_->space().use(epoch_, run);
	TBK_TRY(write_blocks(device_, PhysicalBlock(run.start), node.image(), BlockCount(1), 0));
	return NodePointer{ run.start, node.birth(), node.header().checksum.get(), node.level() };
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
