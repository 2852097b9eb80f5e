/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "check_report.h"
#include "check_tree.h"

namespace thinback {

/* Verifies a pool from its newest superblock down; reads only. */
Status check_pool(struct tbk_device &device, const format::Superblock &super, CheckReport &report);

/* Copies of the superblock that a crash does not account for. */
Status check_rings(struct tbk_device &device, const format::Superblock &super, CheckReport &report);

} // namespace thinback
