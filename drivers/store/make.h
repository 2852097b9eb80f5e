/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/result.h>
#include <thinback/entry.h>

namespace thinback {

/* Makes an empty pool on the whole device, whatever was there. */
Status make_pool(struct tbk_device &device, const struct tbk_format_options &options,
		 struct tbk_why *why);

} // namespace thinback
