/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/block.h>
#include <thinback/base/result.h>
#include <thinback/format/superblock.h>

namespace thinback {

/*
 * Reads both rings and leaves the newest valid superblock in @super. no_pool
 * when there is none; newer_format when its features are not known here. One
 * damaged copy is no reason to refuse: each ring holds the last eight.
 */
Status read_superblock(struct tbk_device &device, format::Superblock &super);

/*
 * Writes @super as checkpoint @super.header.checkpoint: to ring A, after all
 * writes before it and durably; then to ring B, durable with the next flush.
 * @buffer is one block of the caller's.
 */
Status write_superblock(struct tbk_device &device, const format::Superblock &super, void *buffer);

} // namespace thinback
