// SPDX-License-Identifier: GPL-2.0
/* The part of Restore that puts what it made beside the data; and its way in from dump_entry.h. */
#include <thinback/base/scope.h>

#include "make.h"
#include "restore.h"
#include "superblock.h"

namespace thinback {
namespace {

constexpr u64 room = 256; /* blocks written at a time */
static_assert(room >= format::ring_length);

bool is_in_ring(u64 block)
{
	return (block >= format::ring_a && block < format::ring_a + format::ring_length) ||
	       (block >= format::ring_b && block < format::ring_b + format::ring_length);
}

Status may_hold(const struct tbk_device_info &info, u64 blocks, Why *why)
{
	if (info.read_only)
		return Err::read_only;
	if (info.bytes / format::block_size < blocks) {
		TBK_EXPLAIN(why, "%s has %llu blocks, the pool of the dump %llu", info.name,
			    info.bytes / format::block_size, blocks);
		return Err::too_small;
	}
	if (info.logical_block > format::block_size) {
		TBK_EXPLAIN(why, "%s has sectors of %u bytes, a pool needs 4096 or less", info.name,
			    info.logical_block);
		return Err::bad_argument;
	}
	return {};
}

} // namespace

/*
 * The superblocks of whatever pool there is; the newest after all others, or a
 * cut would leave the pool as an older one says that it was.
 */
Status Restore::wipe_rings(struct tbk_device &device, u8 *zeroes)
{
	constexpr u64 rings[] = { format::ring_a, format::ring_b };
	auto *old = reinterpret_cast<format::Superblock *>(zeroes);
	const Status read = read_superblock(device, *old);
	const u64 newest = read.is_ok() ? old->header.checkpoint.get() % format::ring_length : 0;

	__builtin_memset(zeroes, 0, sizeof(*old));
	for (u64 ring : rings) {
		for (u64 i = 1; i < format::ring_length; i++) {
			const PhysicalBlock at(ring + (newest + i) % format::ring_length);

			TBK_TRY(write_blocks(device, at, zeroes, BlockCount(1), 0));
		}
	}
	TBK_TRY(flush_device(device));
	for (u64 ring : rings)
		TBK_TRY(write_blocks(device, PhysicalBlock(ring + newest), zeroes, BlockCount(1),
				     TBK_IO_FUA));
	return {};
}

/* Nothing of the old one is to be taken for the new one's. */
Status Restore::wipe_journal(struct tbk_device &device, u8 *zeroes)
{
	const u64 end = format::journal_start + super_.journal_blocks.get();

	for (u64 at = format::journal_start; at < end; at += room)
		TBK_TRY(write_blocks(device, PhysicalBlock(at), zeroes,
				     BlockCount(end - at < room ? end - at : room), 0));
	return {};
}

/* All but superblocks. */
Status Restore::copy_blocks(struct tbk_device &device, u8 *buffer)
{
	u64 at = scratch_.next(&scratch_, 0);

	while (at < super_.blocks.get()) {
		u64 count = 0;

		while (count < room && !is_in_ring(at + count) &&
		       scratch_.next(&scratch_, at + count) == at + count)
			count++;
		if (count > 0) {
			TBK_TRY(read_blocks(*scratch_.device, PhysicalBlock(at), buffer,
					    BlockCount(count)));
			TBK_TRY(write_blocks(device, PhysicalBlock(at), buffer, BlockCount(count),
					     0));
		}
		at = scratch_.next(&scratch_, at + (count ? count : 1));
	}
	return {};
}

Status Restore::write(struct tbk_device &device, Why *why)
{
	struct tbk_device_info info {};
	u8 *buffer = static_cast<u8 *>(tbk_big_alloc(room * format::block_size));
	const auto free_buffer = ScopeGuard([=] { tbk_big_free(buffer); });

	device.ops->info(&device, &info);
	TBK_TRY(may_hold(info, super_.blocks.get(), why));
	if (!buffer)
		return Err::no_memory;
	TBK_TRY(read_superblock(*scratch_.device, super_));
	TBK_TRY(wipe_rings(device, buffer));
	TBK_TRY(wipe_journal(device, buffer));
	TBK_TRY(copy_blocks(device, buffer));
	/* With a flush before it: from here on there is a pool. */
	TBK_TRY(write_superblock(device, super_, buffer));
	const PhysicalBlock copy = seal_superblock(super_, Ring::b, buffer);

	return write_blocks(device, copy, buffer, BlockCount(1), TBK_IO_FUA);
}

} // namespace thinback

using namespace thinback;

struct tbk_restore {
	explicit tbk_restore(struct tbk_scratch &scratch) : restore(scratch) {}

	Restore restore;
};

namespace {

int result(const Status &status, struct tbk_why *why)
{
	if (!status.is_ok() && why && why->text[0] == 0)
		TBK_EXPLAIN(why, "%s", to_text(status.error()));
	return to_errno(status.error());
}

} // namespace

int tbk_restore_begin(struct tbk_scratch *scratch, const struct tbk_dump_pool *pool, tbk_u32 flags,
		      struct tbk_restore **out, struct tbk_why *why)
{
	if (why)
		*why = {};
	auto made = make<struct tbk_restore>(*scratch);

	if (!made.is_ok())
		return result(made.error(), why);
	TBK_ASSERT(scratch->device);
	const Status begun = made.value()->restore.begin(*pool, flags, why);

	if (begun.is_ok())
		*out = made.value().release();
	return result(begun, why);
}

int tbk_restore_object(struct tbk_restore *restore, const struct tbk_dump_object *object,
		       struct tbk_why *why)
{
	return result(restore->restore.add(*object, why), why);
}

int tbk_restore_tree(struct tbk_restore *restore, tbk_u32 id, struct tbk_why *why)
{
	return result(restore->restore.tree(id, why), why);
}

int tbk_restore_extent(struct tbk_restore *restore, const struct tbk_dump_extent *extent,
		       struct tbk_why *why)
{
	return result(restore->restore.extent(*extent, why), why);
}

int tbk_restore_again(struct tbk_restore *restore, struct tbk_why *why)
{
	return result(restore->restore.again(why), why);
}

int tbk_restore_check(struct tbk_restore *restore, struct tbk_check *check, struct tbk_why *why)
{
	return result(restore->restore.check(check, why), why);
}

int tbk_restore_write(struct tbk_restore *restore, struct tbk_device *device, struct tbk_why *why)
{
	return result(restore->restore.write(*device, why), why);
}

void tbk_restore_free(struct tbk_restore *restore)
{
	Owned<struct tbk_restore>::adopt(restore).reset();
}
