// SPDX-License-Identifier: GPL-2.0
#include "formatted.h"

#include <thinback/entry.h>

namespace thinback {

MemoryDevice &formatted()
{
	static MemoryDevice *image;

	if (!image) {
		const struct tbk_format_options format = { "tank", { 1 }, 0 };

		image = new MemoryDevice(formatted_bytes);
		TBK_ASSERT(tbk_pool_format(image, &format, nullptr) == 0);
	}
	return *image;
}

} // namespace thinback
