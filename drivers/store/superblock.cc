// SPDX-License-Identifier: GPL-2.0
#include "superblock.h"

#include <thinback/base/scope.h>
#include <thinback/format/journal.h>
#include <thinback/format/space.h>

#include "sync_io.h"

namespace thinback {
namespace {

/* What the checksum does not tell: that the numbers make sense together. */
Status check_numbers(const format::Superblock &super)
{
	const u64 blocks = super.blocks.get();
	const u64 groups = (blocks + format::group_blocks - 1) / format::group_blocks;

	if (super.version.get() > format::version || super.incompatible.get() != 0)
		return Err::newer_format;
	if (blocks < format::smallest_pool || groups != super.groups.get() ||
	    groups > format::max_summaries * format::groups_per_summary)
		return Err::bad_records;
	if (super.journal_at.get() != format::journal_start ||
	    super.journal_blocks.get() < 2 * format::journal_write_max ||
	    super.journal_blocks.get() > format::group_blocks - format::journal_start ||
	    super.journal_blocks.get() > blocks - format::journal_start)
		return Err::bad_records;
	if (super.low.get() > 1000 || super.critical.get() > 1000)
		return Err::bad_records;
	if (super.policy.get() & ~(format::policy_discard | format::policy_scrub_freed))
		return Err::newer_format;
	if (super.name[0] == 0 || super.name[format::name_size - 1] != 0)
		return Err::bad_records;
	if (super.catalog.level >= format::max_height || super.generation.get() == 0)
		return Err::bad_records;
	return {};
}

/* Whether it is one, whatever it says. */
Status check_identity(const void *block, u64 at)
{
	const auto &super = *static_cast<const format::Superblock *>(block);

	TBK_TRY(check_block(block, format::superblock_magic, PhysicalBlock(at),
			    super.header.pool.get()));
	return __builtin_memcmp(&super.header.pool, super.uuid, sizeof(super.header.pool)) == 0
		       ? Status()
		       : Err::wrong_pool;
}

struct Newest {
	format::Superblock &super;
	bool is_any = false;
	Err worst = Err::no_pool; /* of the others */
};

/* Zeros in place of what cannot be read: the newest may be another one, and nowhere else. */
Status read_ring(struct tbk_device &device, u64 at, u8 *ring)
{
	Status worst;

	if (read_blocks(device, PhysicalBlock(at), ring, BlockCount(format::ring_length)).is_ok())
		return {};
	for (u64 i = 0; i < format::ring_length; i++) {
		u8 *block = ring + i * format::block_size;
		const Status read =
			read_blocks(device, PhysicalBlock(at + i), block, BlockCount(1));

		if (read.is_ok())
			continue;
		worst = read;
		__builtin_memset(block, 0, format::block_size);
	}
	return worst;
}

/* Takes over what is newer there, whether it can be used or not. Damage in one slot is no error; the worst is remembered. */
void scan_ring(const u8 *ring, u64 at, Newest &newest)
{
	for (u64 i = 0; i < format::ring_length; i++) {
		const void *block = ring + i * format::block_size;
		const auto &found = *static_cast<const format::Superblock *>(block);
		const Status genuine = check_identity(block, at + i);

		if (!genuine.is_ok()) {
			if (found.header.magic.get() == format::superblock_magic)
				newest.worst = genuine.error();
			continue;
		}
		if (!newest.is_any ||
		    found.header.checkpoint.get() > newest.super.header.checkpoint.get())
			__builtin_memcpy(&newest.super, block, sizeof(found));
		newest.is_any = true;
	}
}

} // namespace

Status read_superblock(struct tbk_device &device, format::Superblock &super)
{
	constexpr size_t bytes = format::ring_length * format::block_size;
	struct tbk_device_info info {};
	u8 *ring = static_cast<u8 *>(tbk_big_alloc(bytes));
	const auto free_ring = ScopeGuard([=] { tbk_big_free(ring); });
	Newest newest{ super };

	if (!ring)
		return Err::no_memory;
	device.ops->info(&device, &info);
	if (info.bytes < format::smallest_pool * format::block_size)
		return Err::no_pool;
	__builtin_memset(&super, 0, sizeof(super));
	constexpr u64 rings[] = { format::ring_a, format::ring_b };

	for (u64 at : rings) {
		const Status read = read_ring(device, at, ring);

		if (!read.is_ok())
			newest.worst = read.error();
		scan_ring(ring, at, newest);
	}
	if (!newest.is_any)
		return newest.worst;
	/* Never an older one instead: what that leads to has been given to others since. */
	TBK_TRY(check_numbers(super));
	if (super.blocks.get() > info.bytes / format::block_size)
		return Err::too_small;
	return {};
}

namespace {

bool is_zero(const u8 *block)
{
	for (size_t i = 0; i < format::block_size; i++) {
		if (block[i])
			return false;
	}
	return true;
}

} // namespace

bool may_be_torn(u64 at, u64 checkpoint)
{
	const bool is_b = at >= format::ring_b;
	const u64 slot = at - (is_b ? format::ring_b : format::ring_a);

	return slot == (checkpoint + 1) % format::ring_length ||
	       (is_b && slot == checkpoint % format::ring_length);
}

Status verify_slot(struct tbk_device &device, u64 at, u64 pool, u64 checkpoint, u8 *block)
{
	const Status read = read_blocks(device, PhysicalBlock(at), block, BlockCount(1));

	if (may_be_torn(at, checkpoint))
		return {};
	if (!read.is_ok() || is_zero(block))
		return read;
	return check_block(block, format::superblock_magic, PhysicalBlock(at), pool);
}

PhysicalBlock seal_superblock(const format::Superblock &super, Ring ring, void *buffer)
{
	auto &block = *static_cast<format::Superblock *>(buffer);
	const u64 slot = super.header.checkpoint.get() % format::ring_length;
	const u64 at = (ring == Ring::a ? format::ring_a : format::ring_b) + slot;

	__builtin_memcpy(buffer, &super, sizeof(super));
	block.header.magic.set(format::superblock_magic);
	block.header.self.set(at);
	seal_block(buffer);
	return PhysicalBlock(at);
}

Status write_superblock(struct tbk_device &device, const format::Superblock &super, void *buffer)
{
	const PhysicalBlock at = seal_superblock(super, Ring::a, buffer);

	return write_blocks(device, at, buffer, BlockCount(1), TBK_IO_PREFLUSH | TBK_IO_FUA);
}

namespace {

/* No sector of a superblock is like this, and no part of a block of it can be taken for one. */
constexpr u8 wiped = 0xdb;

Status clear_torn_slot(struct tbk_device &device, u64 at, u64 checkpoint, u8 *block)
{
	const auto &found = *reinterpret_cast<const format::Superblock *>(block);
	const bool is_read = read_blocks(device, PhysicalBlock(at), block, BlockCount(1)).is_ok();

	if (is_read && (is_zero(block) || (check_identity(block, at).is_ok() &&
					   found.header.checkpoint.get() < checkpoint)))
		return {};
	__builtin_memset(block, wiped, format::block_size);
	return write_blocks(device, PhysicalBlock(at), block, BlockCount(1), 0);
}

} // namespace

Status clear_torn_slots(struct tbk_device &device, u64 checkpoint)
{
	u8 *block = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	const auto free_block = ScopeGuard([=] { tbk_big_free(block); });

	if (!block)
		return Err::no_memory;
	constexpr u64 rings[] = { format::ring_a, format::ring_b };

	for (u64 ring : rings)
		TBK_TRY(clear_torn_slot(device, ring + checkpoint % format::ring_length, checkpoint,
					block));
	return {};
}

} // namespace thinback
