// SPDX-License-Identifier: GPL-2.0
#include "catalog.h"

#include <thinback/base/scope.h>

namespace thinback {
namespace {

/* Makes room for @needed in an array of @count; doubles it until it is enough. */
template <typename T> Status grow(T *&array, u32 count, u32 &room, u32 needed)
{
	if (needed <= room)
		return {};
	u32 wanted = room ? room : 512;

	while (wanted < needed)
		wanted *= 2;
	T *bigger = static_cast<T *>(tbk_big_alloc(wanted * sizeof(T)));

	if (!bigger)
		return Err::no_memory;
	if (count > 0)
		__builtin_memcpy(bigger, array, count * sizeof(T));
	tbk_big_free(array);
	array = bigger;
	room = wanted;
	return {};
}

bool are_limits_sound(const format::CatalogRecord &record)
{
	return record.quota.get() < format::end_of_keys &&
	       record.reserve.get() < format::end_of_keys &&
	       record.on_full.get() <= static_cast<u32>(format::OnFull::pause) &&
	       record.full_wait.get() <= format::longest_full_wait;
}

/* Nobody else knows the volume yet. */
void read_record(const format::CatalogRecord &record, Volume &volume, Space &space) TBK_NO_TSA
{
	__builtin_memcpy(volume.name.text, record.name, format::name_size);
	__builtin_memcpy(volume.of.text, record.volume, format::name_size);
	__builtin_memcpy(volume.uuid, record.uuid, sizeof(record.uuid));
	volume.flags = record.flags.get() & ~format::catalog_detect_zeroes;
	volume.tree.set_root(read_root(record.root), false);
	volume.tree.set_since(record.since.get());
	volume.set_size(record.size.get());
	volume.generation = record.generation.get();
	volume.usage = { record.mapped.get(), record.own.get(), record.merge_gone.get() };
	volume.tree.set_merged(0, record.merged.get());
	volume.created = record.created.get();
	volume.allowance.set({ record.quota.get(), record.reserve.get(),
			       static_cast<format::OnFull>(record.on_full.get()),
			       record.full_wait.get(),
			       (record.flags.get() & format::catalog_detect_zeroes) != 0 },
			     volume.usage.own, space);
}

} // namespace

void fill_record(format::CatalogRecord &record, const Volume &volume) TBK_NO_TSA
{
	__builtin_memset(&record, 0, sizeof(record));
	record.id.set(volume.id);
	__builtin_memcpy(record.name, volume.name.text, format::name_size);
	__builtin_memcpy(record.volume, volume.of.text, format::name_size);
	__builtin_memcpy(record.uuid, volume.uuid, sizeof(record.uuid));
	record.parent.set(volume.parent ? volume.parent->id : 0);
	write_root(record.root, volume.tree.root());
	record.size.set(volume.size());
	record.since.set(volume.tree.since());
	record.generation.set(volume.generation);
	record.own.set(volume.usage.own);
	record.mapped.set(volume.usage.mapped);
	record.created.set(volume.created);
	record.merged.set(volume.tree.merged());
	record.merge_gone.set(volume.usage.gone);
	const Limits limits = volume.allowance.limits();

	record.flags.set(volume.flags | (limits.detect_zeroes ? format::catalog_detect_zeroes : 0));
	record.quota.set(limits.quota);
	record.reserve.set(limits.reserve);
	record.on_full.set(static_cast<u32>(limits.on_full));
	record.full_wait.set(limits.full_wait);
}

Catalog::~Catalog()
{
	for (u32 i = 0; i < count_; i++)
		Owned<Volume>::adopt(volumes_[i]).reset();
	tbk_big_free(volumes_);
	tbk_big_free(removed_);
}

Status Catalog::load(const format::Superblock &super)
{
	next_id_ = super.next_id.get();
	tree_.set_root(read_root(super.catalog), false);
	if (!tree_.is_empty())
		TBK_TRY(walk(tree_.root()));
	return link_parents();
}

/* As deep as the tree is high. */
Status Catalog::walk(const NodePointer &pointer)
{
	Node *top = TBK_TRY(cache_.get(pointer, tree_.kind));
	Pin node(cache_, top);

	if (node->level() == 0)
		return load_leaf(*node.get());
	for (u32 i = 0; i < node->count(); i++)
		TBK_TRY(walk(node->pointer(i)));
	return {};
}

Status Catalog::load_leaf(const Node &leaf)
{
	const auto *records = reinterpret_cast<const format::CatalogRecord *>(
		leaf.image() + sizeof(format::BlockHeader));

	for (u32 i = 0; i < leaf.count(); i++)
		TBK_TRY(load_record(records[i]));
	return {};
}

Status Catalog::load_record(const format::CatalogRecord &record)
{
	const u64 id = record.id.get();

	if (id == 0 || id >= next_id_ || (count_ && id <= volumes_[count_ - 1]->id))
		return Err::bad_records;
	TBK_TRY(make_room());
	Owned<Volume> volume = TBK_TRY(make<Volume>(static_cast<u32>(id)));

	if (!are_limits_sound(record))
		return Err::bad_records;
	read_record(record, *volume, space_);
	volumes_[count_++] = volume.release();
	/* Until all are here: the parent's id where its address will be. */
	volumes_[count_ - 1]->children = 0;
	volumes_[count_ - 1]->parent =
		reinterpret_cast<Volume *>(static_cast<unsigned long>(record.parent.get()));
	return {};
}

Status Catalog::link_parents()
{
	for (u32 i = 0; i < count_; i++) {
		Volume &volume = *volumes_[i];
		const u32 id = parent_id(volume);

		volume.parent = nullptr;
		if (id == 0)
			continue;
		Volume *parent = find_id(id);

		if (!parent || !parent->is_snapshot() || parent->generation != volume.tree.since())
			return Err::bad_records;
		volume.parent = parent;
		parent->children++;
	}
	return check_merges();
}

/* A parent that is being merged into a child is hidden, and has no other; nor is it merged into itself. */
Status Catalog::check_merges()
{
	for (u32 i = 0; i < count_; i++) {
		Tree &tree = volumes_[i]->tree;
		const Volume *parent = volumes_[i]->parent;

		if (tree.merged() == 0)
			continue;
		if (!parent || !(parent->flags & format::catalog_hidden) || parent->children != 1 ||
		    parent->tree.merged() != 0 || tree.merged() > format::end_of_keys)
			return Err::bad_records;
		tree.set_merged(parent->tree.since(), tree.merged());
	}
	return {};
}

/* Where the first with an id of at least @id stands: without a search if few were ever removed. */
u32 Catalog::position_of(u32 id) const
{
	if (count_ == 0 || id <= volumes_[0]->id)
		return 0;
	const u32 last = volumes_[count_ - 1]->id;

	if (id > last)
		return count_;
	/* No two have the same id. */
	u32 low = count_ - min(count_, last - id + 1);
	u32 high = min(count_, id - volumes_[0]->id);

	while (low < high) {
		const u32 middle = low + (high - low) / 2;

		if (volumes_[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

Volume *Catalog::find_id(u32 id) const
{
	const u32 at = position_of(id);

	return at < count_ && volumes_[at]->id == id ? volumes_[at] : nullptr;
}

Volume *Catalog::next(u32 after) const
{
	const u32 at = position_of(after + 1);

	return at < count_ ? volumes_[at] : nullptr;
}

Volume *Catalog::find(const char *volume, const char *snapshot) const
{
	const bool wants_snapshot = snapshot && snapshot[0];

	for (u32 i = 0; i < count_; i++) {
		Volume &one = *volumes_[i];

		if (one.is_gone() || one.is_snapshot() != wants_snapshot)
			continue;
		if (wants_snapshot ? one.of.is(volume) && one.name.is(snapshot)
				   : one.name.is(volume))
			return &one;
	}
	return nullptr;
}

/* For one more; and for all that there are to be removed without asking for memory. */
Status Catalog::make_room()
{
	TBK_TRY(grow(volumes_, count_, room_, count_ + 1));
	return grow(removed_, removed_count_, removed_room_, removed_count_ + count_ + 1);
}

Result<Volume *> Catalog::add()
{
	TBK_TRY(make_room());
	Owned<Volume> volume = TBK_TRY(make<Volume>(next_id_));

	next_id_++;
	tbk_random(volume->uuid, sizeof(volume->uuid));
	volume->created = tbk_unix_seconds();
	volumes_[count_++] = volume.get();
	return volume.release();
}

void Catalog::remove(Volume &volume)
{
	const u32 at = position_of(volume.id);

	TBK_ASSERT(at < count_ && volumes_[at] == &volume);
	TBK_ASSERT(removed_count_ < removed_room_);
	removed_[removed_count_++] = volume.id;
	__builtin_memmove(&volumes_[at], &volumes_[at + 1], (count_ - at - 1) * sizeof(Volume *));
	count_--;
	Owned<Volume>::adopt(&volume).reset();
}

/* Puts @record in place of the one with @id, or takes that one out. */
Status Catalog::edit(u32 id, const format::CatalogRecord *record, Moment moment)
{
	TBK_TRY(editor_.open(tree_, id, moment, true));
	const Node &leaf = editor_.leaf();
	const NodeLayout layout = leaf.layout();
	const u32 old_count = leaf.count();
	u32 count = 0;
	bool placed = record == nullptr;
	const auto push = [&](const u64 *words) {
		__builtin_memcpy(&scratch_[count++ * record_words], words,
				 sizeof(format::CatalogRecord));
	};
	const auto *words =
		reinterpret_cast<const u64 *>(leaf.image() + sizeof(format::BlockHeader));

	for (u32 i = 0; i < old_count; i++) {
		const u64 key = leaf.key(layout, i);

		if (!placed && key >= id) {
			push(reinterpret_cast<const u64 *>(record));
			placed = true;
		}
		if (key != id)
			push(words + i * record_words);
	}
	if (!placed)
		push(reinterpret_cast<const u64 *>(record));
	editor_.store(scratch_, count);
	editor_.close();
	return {};
}

Status Catalog::put(const Volume &volume, Moment moment)
{
	alignas(8) format::CatalogRecord record{};

	fill_record(record, volume);
	return edit(volume.id, &record, moment);
}

Status Catalog::save(Moment moment, WriteList &list, format::Superblock &super)
{
	while (removed_count_ > 0) {
		TBK_TRY(edit(removed_[removed_count_ - 1], nullptr, moment));
		removed_count_--;
	}
	seal_tree(tree_, cache_, moment.epoch, space_, list);
	write_root(super.catalog, tree_.root());
	super.next_id.set(next_id_);
	return {};
}

} // namespace thinback
