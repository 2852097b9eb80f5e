// SPDX-License-Identifier: GPL-2.0
/* Time and chance. */
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/timekeeping.h>

#include <thinback/platform.h>

tbk_u64 tbk_now_ns(void)
{
	return ktime_get_ns();
}

tbk_u64 tbk_unix_seconds(void)
{
	return ktime_get_real_seconds();
}

void tbk_random(void *buffer, size_t size)
{
	get_random_bytes(buffer, size);
}
