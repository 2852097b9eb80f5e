// SPDX-License-Identifier: GPL-2.0
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include <thinback/platform.h>

/* One for each, lest a stream of warnings hide an error. */
static DEFINE_RATELIMIT_STATE(tbk_error_limit, 5 * HZ, 20);
static DEFINE_RATELIMIT_STATE(tbk_warning_limit, 5 * HZ, 20);

static void tbk_print(enum tbk_level level, struct va_format *line)
{
	switch (level) {
	case TBK_LOG_ERROR:
		if (__ratelimit(&tbk_error_limit))
			pr_err("xen-thinback: %pV\n", line);
		break;
	case TBK_LOG_WARNING:
		if (__ratelimit(&tbk_warning_limit))
			pr_warn("xen-thinback: %pV\n", line);
		break;
	case TBK_LOG_INFO:
		pr_info("xen-thinback: %pV\n", line);
		break;
	case TBK_LOG_DEBUG:
		pr_debug("xen-thinback: %pV\n", line);
		break;
	}
}

void tbk_log(enum tbk_level level, const char *format, ...)
{
	struct va_format line;
	va_list args;

	va_start(args, format);
	line.fmt = format;
	line.va = &args;
	tbk_print(level, &line);
	va_end(args);
}

void tbk_format(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, size, format, args);
	va_end(args);
}

void tbk_assert_failed(const char *expr, const char *file, int line)
{
	pr_emerg("xen-thinback: %s:%d: assertion failed: %s\n", file, line, expr);
}
