/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/block.h>
#include <thinback/base/result.h>
#include <thinback/format/superblock.h>

namespace thinback {

/*
 * Reads both rings and leaves the newest valid superblock in @super. no_pool
 * when there is none; newer_format when its features are not known here. One
 * damaged copy is no reason to refuse: each ring holds the last eight. One that is
 * as it was written and cannot be used is: the pool has gone on past those before it.
 */
Status read_superblock(struct tbk_device &device, format::Superblock &super);

/* Whether read_superblock() failed so that there may be a pool all the same, without any copy to be read. */
constexpr bool is_superblock_lost(Err err)
{
	return err == Err::no_pool || err == Err::bad_checksum || err == Err::misplaced ||
	       err == Err::bad_records || err == Err::wrong_pool || err == Err::io_error ||
	       err == Err::bad_sector;
}

enum class Ring { a, b };

/*
 * Whether a crash, or a checkpoint that is under way, accounts for anything in slot @at of a
 * ring when @checkpoint is the last durable one: the next one's copies are written, and
 * nobody waits for this one's in ring B.
 */
bool may_be_torn(u64 at, u64 checkpoint);
/* Reads slot @at to @block, and says what is wrong with it that does not account for. */
Status verify_slot(struct tbk_device &device, u64 at, u64 pool, u64 checkpoint, u8 *block);

/*
 * Before the superblock of @checkpoint is written for the first time since opening: in its
 * slots there is nothing left of one of that number which a power cut has torn. Else, if
 * ours is torn as well, just those of its sectors could come through which are the same in
 * both, and make the other one whole. The next flush makes it durable.
 */
Status clear_torn_slots(struct tbk_device &device, u64 checkpoint);

/* Makes @buffer, a block, what lies in @ring for @super; returns where that is. */
PhysicalBlock seal_superblock(const format::Superblock &super, Ring ring, void *buffer);

/*
 * Writes @super to ring A, after all writes before it and durably: from now on
 * it is the pool's state. Ring B is for the caller to write, in its own time.
 */
Status write_superblock(struct tbk_device &device, const format::Superblock &super, void *buffer);

} // namespace thinback
