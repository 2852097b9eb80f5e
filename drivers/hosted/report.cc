// SPDX-License-Identifier: GPL-2.0
/* Messages, time and chance. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "hosted.h"
#include "scheduler.h"
#include "simulation.h"

using namespace thinback;

namespace {

constexpr u64 second_ns = 1'000'000'000;
constexpr u64 simulated_epoch = 1'767'225'600; /* 2026 begins */

HostedLogSink log_sink;

bool is_simulated()
{
	return simulation && !simulation->is_real();
}

u64 clock_ns(clockid_t clock)
{
	struct timespec now = {};

	clock_gettime(clock, &now);
	return u64(now.tv_sec) * second_ns + u64(now.tv_nsec);
}

} // namespace

namespace thinback {

void hosted_log_to(HostedLogSink sink)
{
	log_sink = std::move(sink);
}

} // namespace thinback

void tbk_log(enum tbk_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (log_sink)
		log_sink(level, line);
	else
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
	fprintf(stderr, "# %s: %s:%d: assertion failed: %s\n", current_context().name, file, line,
		expr);
	print_stack_trace();
}

tbk_u64 tbk_now_ns(void)
{
	return is_simulated() ? simulation->now() : clock_ns(CLOCK_MONOTONIC);
}

tbk_u64 tbk_unix_seconds(void)
{
	if (is_simulated())
		return simulated_epoch + simulation->now() / second_ns;
	return clock_ns(CLOCK_REALTIME) / second_ns;
}

void tbk_random(void *buffer, size_t size)
{
	unsigned char *bytes = static_cast<unsigned char *>(buffer);

	might_sleep("randomness");
	for (size_t i = 0; is_simulated() && i < size; i++)
		bytes[i] = static_cast<unsigned char>(simulation->random());
	if (!is_simulated() && getrandom(buffer, size, 0) != static_cast<ssize_t>(size))
		die("no randomness");
}
