// SPDX-License-Identifier: GPL-2.0
/* Making an empty pool: superblocks, and nothing else. What was never written counts as free. */
#include <thinback/base/scope.h>

#include "make.h"
#include "pool.h"
#include "superblock.h"

namespace thinback {
namespace {

void fill_super(format::Superblock &super, const struct tbk_format_options &options, u64 blocks,
		const Name &name)
{
	fill_empty(super, blocks, journal_for(blocks, options.journal_bytes));
	__builtin_memcpy(super.uuid, options.uuid, sizeof(super.uuid));
	__builtin_memcpy(&super.header.pool, options.uuid, sizeof(super.header.pool));
	__builtin_memcpy(super.name, name.text, sizeof(super.name));
	super.generation.set(1);
	super.created.set(tbk_unix_seconds());
}

Status write_both(struct tbk_device &device, format::Superblock &super, u64 checkpoint,
		  void *buffer)
{
	super.header.checkpoint.set(checkpoint);
	const PhysicalBlock at = seal_superblock(super, Ring::b, buffer);

	TBK_TRY(write_blocks(device, at, buffer, BlockCount(1), 0));
	return write_superblock(device, super, buffer);
}

} // namespace

u64 journal_for(u64 pool_blocks, u64 wanted_bytes)
{
	constexpr u64 least = 1024; /* 4 MiB */
	constexpr u64 most = 65536; /* 256 MiB */
	const u64 blocks = wanted_bytes ? wanted_bytes / format::block_size : pool_blocks / 1024;

	return blocks < least ? least : blocks > most ? most : blocks;
}

u64 usable_blocks(u64 bytes)
{
	u64 blocks = bytes / format::block_size;

	if (blocks > most_blocks)
		blocks = most_blocks;
	if (blocks % format::group_blocks < 2 * format::fixed_blocks(0))
		blocks -= blocks % format::group_blocks;
	return blocks;
}

void fill_empty(format::Superblock &super, u64 blocks, u64 journal)
{
	const u64 groups = (blocks + format::group_blocks - 1) / format::group_blocks;
	u64 fixed = format::ring_length + journal;

	for (u64 g = 0; g < groups; g++)
		fixed += format::fixed_blocks(g);
	super.version.set(format::version);
	super.flags.set(format::superblock_clean);
	super.blocks.set(blocks);
	super.journal_at.set(format::journal_start);
	super.journal_blocks.set(journal);
	super.free.set(blocks - fixed);
	super.next_id.set(1);
	super.groups.set(static_cast<u32>(groups));
}

Status write_rings(struct tbk_device &device, format::Superblock &super, u64 checkpoint,
		   void *zeroes)
{
	constexpr BlockCount ring(format::ring_length);

	TBK_TRY(write_blocks(device, PhysicalBlock(format::ring_a), zeroes, ring, 0));
	TBK_TRY(write_blocks(device, PhysicalBlock(format::ring_b), zeroes, ring,
			     TBK_IO_PREFLUSH | TBK_IO_FUA));
	TBK_TRY(write_both(device, super, checkpoint, zeroes));
	return write_both(device, super, checkpoint + 1, zeroes);
}

Status make_pool(struct tbk_device &device, const struct tbk_format_options &options, Why *why)
{
	struct tbk_device_info info {};
	auto name = Name::parse(options.name);

	device.ops->info(&device, &info);
	if (!name.is_ok()) {
		TBK_EXPLAIN(why, "\"%.63s\" is no name for a pool", options.name);
		TBK_HINT(why,
			 "names have 1 to 63 of A-Z a-z 0-9 . _ - and do not start with - or .");
		return name.error();
	}
	const u64 blocks = usable_blocks(info.bytes);

	if (blocks < format::smallest_pool) {
		TBK_EXPLAIN(why, "%s is too small: it has %llu bytes, a pool needs 67108864",
			    info.name, info.bytes);
		return Err::bad_argument;
	}
	if (info.logical_block > format::block_size) {
		TBK_EXPLAIN(why, "%s has sectors of %u bytes, a pool needs 4096 or less", info.name,
			    info.logical_block);
		return Err::bad_argument;
	}
	void *memory = tbk_big_alloc((format::ring_length + 1) * format::block_size);
	const auto free_memory = ScopeGuard([=] { tbk_big_free(memory); });

	if (!memory)
		return Err::no_memory;
	auto &super = *static_cast<format::Superblock *>(memory);

	fill_super(super, options, blocks, name.value());
	return write_rings(device, super, 1, static_cast<u8 *>(memory) + format::block_size);
}

} // namespace thinback
