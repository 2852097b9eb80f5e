/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "../../drivers/hosted/devices.h"

namespace thinback {

inline constexpr u64 formatted_bytes = 64ull << 20;

/* An empty pool "tank", made once, to copy for each input. */
MemoryDevice &formatted();

} // namespace thinback
