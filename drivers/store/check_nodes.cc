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

Status NodeReader::read(const NodePointer &pointer, format::TreeKind kind, u8 *image)
{
	return read_node(device_, pointer, kind, home_, image);
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

} // namespace thinback
