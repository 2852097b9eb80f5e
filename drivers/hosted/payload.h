/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <functional>

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* Visits the memory of @bytes from @offset, piece by piece. */
void for_each_piece(const struct tbk_payload &payload, size_t offset, size_t bytes,
		    const std::function<void(u8 *piece, size_t length)> &visit);

} // namespace thinback
