// SPDX-License-Identifier: GPL-2.0
/* The part of DamagedPool that changes what lies on disk and seals it anew. */
#include "damage.h"

#include <thinback/base/container.h>
#include <thinback/base/scope.h>

#include "../../drivers/store/superblock.h"
#include "../../drivers/store/sync_io.h"
#include "../harness/check.h"

namespace thinback {

Status DamagedPool::renew_children(Node &node, u32 id)
{
	for (u32 i = 0; i < node.count(); i++) {
		const u64 key = node.key(node.layout(), i);

		node.set_pointer(i, key, TBK_TRY(renew(node.pointer(i), id)), false);
	}
	return {};
}

Status DamagedPool::renew_records(Node &node)
{
	auto *records = reinterpret_cast<format::CatalogRecord *>(node.image() +
								  sizeof(format::BlockHeader));

	for (u32 i = 0; i < node.count(); i++) {
		auto &record = records[i];
		const u32 id = static_cast<u32>(record.id.get());

		if (record.root.block.get())
			write_root(record.root, TBK_TRY(renew(read_root(record.root), id)));
		if (id == target_id_ && spoil_record_)
			spoil_record_(record);
	}
	return {};
}

/* A node that is shared comes along more than once, and is spoilt once. @id: 0 in the catalog. */
Result<NodePointer> DamagedPool::renew(const NodePointer &pointer, u32 id)
{
	u8 *image = static_cast<u8 *>(tbk_alloc(4096, TBK_MAY_SLEEP));
	const auto free_image = ScopeGuard([=] { tbk_free(image); });

	if (!image)
		return Err::no_memory;
	read(pointer.block, image);
	Node node(pointer.block, image);

	note(pointer, node.kind(), id);
	/* Of what is spoilt already nothing can be believed. */
	const bool is_sound = pointer.block != target_block_ || spoil_node_;

	if (is_sound && node.level() > 0)
		TBK_TRY(renew_children(node, id));
	else if (is_sound && id == 0)
		TBK_TRY(renew_records(node));
	if (pointer.block == target_block_ && spoil_node_) {
		spoil_node_(*reinterpret_cast<BlockImage *>(image));
		spoil_node_ = nullptr;
	}
	seal_block(image);
	TBK_TRY(write(pointer.block, image));
	const u64 mirror = drops_copies_ ? 0 : pointer.mirror;

	if (mirror)
		TBK_TRY(write(mirror, image));
	return NodePointer{ pointer.block, pointer.birth, node.header().checksum.get(),
			    pointer.level, mirror };
}

Status DamagedPool::renew_all()
{
	void *buffer = tbk_alloc(4096, TBK_MAY_SLEEP);
	const auto free_buffer = ScopeGuard([=] { tbk_free(buffer); });
	constexpr Ring rings[] = { Ring::a, Ring::b };

	if (!buffer)
		return Err::no_memory;
	write_root(super.catalog, TBK_TRY(renew(read_root(super.catalog), 0)));
	for (Ring ring : rings) {
		const PhysicalBlock at = seal_superblock(super, ring, buffer);

		TBK_TRY(write(at.raw(), buffer));
	}
	return {};
}

Status DamagedPool::drop_copies()
{
	drops_copies_ = true;
	return renew_all();
}

Status DamagedPool::spoil_node(u64 block, Spoil spoil)
{
	target_block_ = block;
	spoil_node_ = spoil;
	return renew_all();
}

Status DamagedPool::spoil_record(u32 id, SpoilRecord spoil)
{
	target_id_ = id;
	spoil_record_ = spoil;
	const Status renewed = renew_all();

	spoil_record_ = nullptr;
	return renewed;
}

Status DamagedPool::spoil_super(SpoilSuper spoil)
{
	spoil(super);
	return renew_all();
}

Status DamagedPool::spoil_block(u64 block, Spoil spoil)
{
	u8 *image = static_cast<u8 *>(tbk_alloc(4096, TBK_MAY_SLEEP));
	const auto free_image = ScopeGuard([=] { tbk_free(image); });

	if (!image)
		return Err::no_memory;
	read(block, image);
	spoil(*reinterpret_cast<BlockImage *>(image));
	seal_block(image);
	return write(block, image);
}

Status DamagedPool::lose_superblocks()
{
	constexpr u64 rings[] = { format::ring_a, format::ring_b };
	void *zeroes = tbk_alloc(4096, TBK_MAY_SLEEP);
	const auto free_zeroes = ScopeGuard([=] { tbk_free(zeroes); });

	if (!zeroes)
		return Err::no_memory;
	for (u64 at : rings) {
		for (u64 i = 0; i < format::ring_length; i++)
			TBK_TRY(write(at + i, zeroes));
	}
	return {};
}

u64 DamagedPool::summary_block() const
{
	return format::first_summary(0) + (super.summaries[0] & format::slot_bit_8 ? 1 : 0);
}

u64 DamagedPool::bitmap_block() const
{
	le16 tag{};

	device->read(summary_block() * 4096 + sizeof(format::BlockHeader) +
			     offsetof(format::SummaryEntry, bitmap),
		     &tag, sizeof(tag));
	return format::first_bitmap(0) + (tag.get() & format::slot_bit_16 ? 1 : 0);
}

} // namespace thinback
