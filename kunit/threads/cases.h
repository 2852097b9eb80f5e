/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/span.h>

struct kunit;

namespace thinback {

/* Something to be done with real threads, for about so many seconds. */
struct ThreadsCase {
	const char *name;
	void (*run)(struct kunit *test, unsigned int seconds);
};

/* What went wrong; threads may say so at the same time. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

Span<const ThreadsCase> threads_cases();

} // namespace thinback
