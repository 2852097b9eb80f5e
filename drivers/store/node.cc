// SPDX-License-Identifier: GPL-2.0
#include "node.h"

#include "sync_io.h"

namespace thinback {

NodePointer read_root(const format::RootPointer &root)
{
	return { root.block.get(), root.birth.get(), root.checksum.get(), root.level,
		 root.mirror.get() };
}

void write_root(format::RootPointer &root, const NodePointer &from)
{
	__builtin_memset(&root, 0, sizeof(root));
	root.block.set(from.block);
	root.mirror.set(from.mirror);
	root.birth.set(from.birth);
	root.checksum.set(from.checksum);
	root.level = static_cast<u8>(from.level);
}

NodePointer Node::pointer(u32 record) const
{
	const u64 child = word(branch, record, 1);
	const u64 second = word(branch, record, 2);

	return { child & format::low_48, word(branch, record, 3) & format::low_48,
		 static_cast<u32>(child >> 48) | static_cast<u32>(second >> 48) << 16, level() - 1,
		 second & format::low_48 };
}

void Node::set_pointer(u32 record, u64 key, const NodePointer &to, bool is_pending)
{
	set_word(branch, record, 0, key);
	set_word(branch, record, 1, to.block | static_cast<u64>(to.checksum & 0xffff) << 48);
	set_word(branch, record, 2, to.mirror | static_cast<u64>(to.checksum >> 16) << 48);
	set_word(branch, record, 3, to.birth | (is_pending ? pending : 0));
}

namespace {

bool is_sound_extent(const format::Extent &extent, u64 birth, u64 blocks)
{
	const u64 target = extent.target.get();
	const u64 state = target >> 48;
	const u64 length = extent.place.get() & format::max_extent;
	const u64 start = extent.place.get() >> 24;

	if (length == 0 || start + length > format::end_of_keys || extent.birth.get() > birth)
		return false;
	if (state == static_cast<u64>(format::ExtentState::zero) ||
	    state == static_cast<u64>(format::ExtentState::lost))
		return (target & format::low_48) == 0;
	return state == static_cast<u64>(format::ExtentState::data) &&
	       (target & format::low_48) != 0 && (target & format::low_48) < blocks &&
	       length <= blocks - (target & format::low_48);
}

/* Extents must not overlap, nor leave the leaf's range. */
Status check_extents(const format::BlockHeader &header, const format::Extent *extents, u64 blocks)
{
	u64 free_from = header.low.get();

	for (u32 i = 0; i < header.count.get(); i++) {
		const u64 start = extents[i].place.get() >> 24;

		if (!is_sound_extent(extents[i], header.birth.get(), blocks) || start < free_from)
			return Err::bad_records;
		free_from = start + (extents[i].place.get() & format::max_extent);
	}
	return free_from <= header.high.get() ? Status() : Err::bad_records;
}

Status check_branches(const format::BlockHeader &header, const format::Branch *branches)
{
	if (header.count.get() == 0)
		return Err::bad_records;
	for (u32 i = 0; i < header.count.get(); i++) {
		const auto &entry = branches[i];

		if ((entry.child.get() & format::low_48) == 0 ||
		    entry.birth.get() > header.birth.get())
			return Err::bad_records;
		if (entry.key.get() < header.low.get() || entry.key.get() >= header.high.get())
			return Err::bad_records;
		if (i > 0 && entry.key.get() <= branches[i - 1].key.get())
			return Err::bad_records;
	}
	return {};
}

Status check_catalog(const format::BlockHeader &header, const format::CatalogRecord *records)
{
	for (u32 i = 0; i < header.count.get(); i++) {
		const auto &record = records[i];

		if (record.id.get() < header.low.get() || record.id.get() >= header.high.get())
			return Err::bad_records;
		if (i > 0 && record.id.get() <= records[i - 1].id.get())
			return Err::bad_records;
		if (record.name[format::name_size - 1] || record.volume[format::name_size - 1] ||
		    record.size.get() > format::end_of_keys ||
		    record.root.level >= format::max_height)
			return Err::bad_records;
	}
	return {};
}

Status check_node(const void *image, const NodePointer &expected, format::TreeKind kind,
		  const NodeHome &home)
{
	const auto &header = *static_cast<const format::BlockHeader *>(image);
	const auto *records = static_cast<const u8 *>(image) + sizeof(header);

	TBK_TRY(check_block(image, format::node_magic, PhysicalBlock(expected.block), home.pool));
	if (header.checksum.get() != expected.checksum || header.birth.get() != expected.birth)
		return Err::stale;
	if (header.level != expected.level || header.kind != static_cast<u8>(kind))
		return Err::bad_magic;
	if (header.count.get() > layout_of(kind, header.level).capacity ||
	    header.low.get() >= header.high.get())
		return Err::bad_records;
	if (header.level > 0)
		return check_branches(header, reinterpret_cast<const format::Branch *>(records));
	if (kind == format::TreeKind::extents)
		return check_extents(header, reinterpret_cast<const format::Extent *>(records),
				     home.data_end);
	return check_catalog(header, reinterpret_cast<const format::CatalogRecord *>(records));
}

} // namespace

Status read_node(struct tbk_device &device, const NodePointer &pointer, Copy copy,
		 format::TreeKind kind, const NodeHome &home, void *image)
{
	const u64 at = block_of(pointer, copy);

	if (at == 0)
		return Err::not_found;
	if (at >= home.blocks)
		return Err::bad_records;
	TBK_TRY(read_blocks(device, PhysicalBlock(at), image, BlockCount(1)));
	return check_node(image, pointer, kind, home);
}

namespace {

/* All four are read before any is written: the ranges may overlap. */
void copy_four(le64 *to, const le64 *from)
{
	const u64 a = from[0].get_relaxed();
	const u64 b = from[1].get_relaxed();
	const u64 c = from[2].get_relaxed();
	const u64 d = from[3].get_relaxed();

	to[0].set_relaxed(a);
	to[1].set_relaxed(b);
	to[2].set_relaxed(c);
	to[3].set_relaxed(d);
}

} // namespace

void Node::copy_forwards(le64 *to, const le64 *from, u32 count)
{
	for (; count >= 4; count -= 4, to += 4, from += 4)
		copy_four(to, from);
	for (; count > 0; count--)
		(to++)->set_relaxed((from++)->get_relaxed());
}

void Node::copy_backwards(le64 *to_end, const le64 *from_end, u32 count)
{
	for (; count >= 4; count -= 4) {
		to_end -= 4;
		from_end -= 4;
		copy_four(to_end, from_end);
	}
	for (; count > 0; count--)
		(--to_end)->set_relaxed((--from_end)->get_relaxed());
}

} // namespace thinback
