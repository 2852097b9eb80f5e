/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process as the core's world, with real threads: what is concurrent in the
 * kernel is concurrent here, for ThreadSanitizer to watch. Nothing is
 * deterministic; drivers/hosted/ is for that.
 *
 * What this world does for itself is hidden from the sanitizer (unseen.h). It is
 * told of the order that platform.h promises and of no other, so that a lock
 * of ours never excuses one that the core forgot.
 */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

/* Allocations, gates, queues and reserves that were not given back. */
u64 threads_outstanding();
/* Counts one, or with -1 one less. */
void threads_count(s64 n);

/* Messages of all levels go to stderr; else warnings and errors. */
void threads_log_all(bool all);

/* How often ThreadSanitizer has reported something. */
u64 threads_races();

} // namespace thinback
