/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/result.h>
#include <thinback/entry.h>
#include <thinback/format/space.h>
#include <thinback/format/superblock.h>

namespace thinback {

/* A superblock has room for no more. */
inline constexpr u64 most_blocks =
	format::max_summaries * format::groups_per_summary * format::group_blocks;

/* How large a pool on a device of so many bytes is: its last group must have room for its own bitmaps. */
u64 usable_blocks(u64 bytes);
/* Blocks of its journal; @wanted_bytes 0: as its size asks for. */
u64 journal_for(u64 pool_blocks, u64 wanted_bytes);

/* Makes an empty pool on the whole device, whatever was there. */
Status make_pool(struct tbk_device &device, const struct tbk_format_options &options,
		 struct tbk_why *why);

/* What any empty pool's says; its names, its times and its marks are the caller's. */
void fill_empty(format::Superblock &super, u64 blocks, u64 journal);
/*
 * @super as checkpoints @checkpoint and the one after it; @zeroes is changed. Old
 * superblocks go first, so that a newer one of another pool is never taken for ours.
 */
Status write_rings(struct tbk_device &device, format::Superblock &super, u64 checkpoint,
		   void *zeroes);

} // namespace thinback
