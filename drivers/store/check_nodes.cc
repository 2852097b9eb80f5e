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

Status NodeReader::read(const NodePointer &pointer, format::TreeKind kind, u8 *image)
{
	const Status first = read(pointer, Copy::first, kind, image);

	return first.is_ok() || read(pointer, Copy::second, kind, image).is_ok() ? Status() : first;
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
	if (!read(pointer, format::TreeKind::extents, image).is_ok())
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

} // namespace thinback
