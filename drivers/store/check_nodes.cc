// SPDX-License-Identifier: GPL-2.0
#include "check_nodes.h"

#include "sync_io.h"

namespace thinback {

Result<Owned<NodeReader>> NodeReader::create(struct tbk_device &device, const NodeHome &home)
{
	Owned<NodeReader> reader = TBK_TRY(make<NodeReader>(device, home));

	reader->images_ = static_cast<u8 *>(tbk_big_alloc(places * format::block_size));
	if (!reader->images_)
		return Err::no_memory;
	return reader;
}

NodeReader::~NodeReader()
{
	tbk_big_free(images_);
}

/* The first one last, since that is what @image should be; the second again where it is needed. */
NodeReader::Copies NodeReader::read_both(const NodePointer &pointer, format::TreeKind kind,
					 u8 *image)
{
	Copies copies;

	if (pointer.mirror)
		copies.second = read(pointer, Copy::second, kind, image).error();
	copies.first = read(pointer, Copy::first, kind, image).error();
	if (copies.first != Err::ok && pointer.mirror && copies.second == Err::ok)
		copies.second = read(pointer, Copy::second, kind, image).error();
	return copies;
}

u8 *NodeReader::look(const NodePointer &pointer)
{
	const u64 place = (pointer.block * 0x9e3779b97f4a7c15ull >> 32) % places;
	u8 *image = images_ + place * format::block_size;
	NodePointer &held = held_[place];

	if (held.block == pointer.block && held.checksum == pointer.checksum &&
	    held.birth == pointer.birth && held.level == pointer.level)
		return image;
	held = {};
	if (!read(pointer, Copy::first, format::TreeKind::extents, image).is_ok() &&
	    !read(pointer, Copy::second, format::TreeKind::extents, image).is_ok())
		return nullptr;
	held = pointer;
	return image;
}

BadCopies::~BadCopies()
{
	tbk_big_free(list_);
}

Status BadCopies::add(const BadCopy &copy)
{
	if (count_ == room_) {
		const u32 wanted = room_ ? 2 * room_ : 64;
		auto *bigger = static_cast<BadCopy *>(tbk_big_alloc(wanted * sizeof(BadCopy)));

		if (!bigger)
			return Err::no_memory;
		for (u32 i = 0; i < count_; i++)
			bigger[i] = list_[i];
		tbk_big_free(list_);
		list_ = bigger;
		room_ = wanted;
	}
	list_[count_++] = copy;
	return {};
}

SharedNodes::~SharedNodes()
{
	tbk_big_free(table_);
}

u64 SharedNodes::place_of(u64 block, u64 room)
{
	return (block * 0x9e3779b97f4a7c15ull >> 20) & (room - 1);
}

void SharedNodes::put(SharedNode *table, u64 room, const SharedNode &node)
{
	u64 place = place_of(node.block, room);

	while (table[place].block && table[place].block != node.block)
		place = (place + 1) & (room - 1);
	table[place] = node;
}

/* Twice the room, and all put again. */
Status SharedNodes::grow()
{
	const u64 wanted = room_ ? 2 * room_ : 1024;
	auto *bigger = static_cast<SharedNode *>(tbk_big_alloc(wanted * sizeof(SharedNode)));

	if (!bigger)
		return Err::no_memory;
	for (u64 i = 0; i < room_; i++) {
		if (table_[i].block)
			put(bigger, wanted, table_[i]);
	}
	tbk_big_free(table_);
	table_ = bigger;
	room_ = wanted;
	return {};
}

Status SharedNodes::add(const SharedNode &node)
{
	if (2 * (count_ + 1) > room_)
		TBK_TRY(grow());
	put(table_, room_, node);
	count_++;
	return {};
}

const SharedNode *SharedNodes::find(u64 block) const
{
	if (room_ == 0)
		return nullptr;
	for (u64 place = place_of(block, room_); table_[place].block;
	     place = (place + 1) & (room_ - 1)) {
		if (table_[place].block == block)
			return &table_[place];
	}
	return nullptr;
}

} // namespace thinback
