// SPDX-License-Identifier: GPL-2.0
#include <linux/crc32c.h>

#include <thinback/platform.h>

unsigned int tbk_crc32c(unsigned int seed, const void *data, size_t len)
{
	return crc32c(seed, data, len);
}
