// SPDX-License-Identifier: GPL-2.0
/* Who runs, and what it may; messages, time and chance. */
#include <atomic>
#include <execinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "../hosted/simulation.h"
#include "threads.h"

using namespace thinback;

namespace {

std::atomic<bool> logs_all;
std::atomic<u64> races;
thread_local Context own("a thread");

u64 clock_ns(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return u64(now.tv_sec) * 1'000'000'000 + u64(now.tv_nsec);
}

} // namespace

#ifdef __SANITIZE_THREAD__
/* So that most reports can say what the other thread did. */
// NOLINTNEXTLINE(bugprone-reserved-identifier): asked for by the sanitizer
extern "C" const char *__tsan_default_options()
{
	return "history_size=4";
}

// NOLINTNEXTLINE(bugprone-reserved-identifier): called by the sanitizer for each report
extern "C" void __tsan_on_report(void *)
{
	races.fetch_add(1, std::memory_order_relaxed);
}
#endif

namespace thinback {

u64 threads_races()
{
	return races.load(std::memory_order_relaxed);
}

void threads_log_all(bool all)
{
	logs_all = all;
}

Context &current_context()
{
	return own;
}

void print_stack_trace()
{
	void *frames[32];

	fflush(stdout);
	backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "# %s: ", own.name);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	print_stack_trace();
	abort();
}

void might_sleep(const char *what)
{
	if (own.spinning || own.reading || own.unwilling || own.interrupt)
		die("may sleep (%s) where it must not", what);
}

} // namespace thinback

void tbk_log(enum tbk_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[512];
	va_list args;

	if (level > TBK_LOG_WARNING && !logs_all.load(std::memory_order_relaxed))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "thinback: %s: %s\n", names[level], line);
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
	fprintf(stderr, "# %s: %s:%d: assertion failed: %s\n", own.name, file, line, expr);
	print_stack_trace();
}

tbk_u64 tbk_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

tbk_u64 tbk_unix_seconds(void)
{
	return clock_ns(CLOCK_REALTIME) / 1'000'000'000;
}

void tbk_random(void *buffer, size_t size)
{
	might_sleep("randomness");
	if (getrandom(buffer, size, 0) != static_cast<ssize_t>(size))
		die("no randomness");
}
