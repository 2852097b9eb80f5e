/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process as the core's world: a simulated kernel in one thread. What is
 * concurrent in the kernel are fibers here, which take turns where the core
 * may sleep, in an order that a seed decides. Time is virtual. The same seed
 * gives the same run, to the last byte.
 *
 *	hosted_run([] { ... tbk_pool_open(...) ... });
 *
 * Outside hosted_run() nothing may wait: locks, memory and checksums work,
 * works and timers do not.
 */
#pragma once

#include <functional>

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

struct HostedOptions {
	u64 seed = 0;	   /* 0: first come, first served, and nobody is preempted */
	bool real = false; /* wall clock and true randomness: for tools, not for tests */
};

/*
 * Runs @body as a fiber, until it and all work it caused have ended. Aborts,
 * with a trace of each fiber, when the body waits for what cannot come. Returns
 * false, having said what on stderr, if works, timers or other fibers are left
 * over when the body has ended; those are dropped. A body may have a run of
 * its own inside, which knows nothing of what is outside.
 */
bool hosted_run(const std::function<void()> &body, const HostedOptions &options = {});

/* ---- inside hosted_run() ---- */

/* Another fiber; hosted_run() waits for it. @name must last. */
void hosted_spawn(const char *name, std::function<void()> body);
/* Lets the others run; in virtual time, at least so long. */
void hosted_yield();
void hosted_sleep_ms(unsigned int ms);

/* Calls @run(@context) as an interrupt would, after a delay in virtual time. */
void hosted_interrupt(u64 delay_ns, void (*run)(void *context), void *context);

/* A number below @n that the seed decides; 0 with seed 0. */
u64 hosted_pick(u64 n);

/* How often fibers and interrupts were switched to: equal in two equal runs. */
u64 hosted_steps();

/* ---- stacks: what is used of them here is what it would be in the kernel, without sanitizers ---- */

/* From now on, look how much each fiber used when it ends; slow. */
void hosted_measure_stacks();
/* Bytes of the deepest, and its name. */
size_t hosted_deepest_stack(const char **fiber_name);

/* ---- memory ---- */

/* The @n-th allocation from now fails, and only that one; 0: none does. */
void hosted_fail_alloc_after(u64 n);
/* Whether it has happened. */
bool hosted_alloc_failed();
/* Allocations, gates, queues and reserves that were not given back. */
size_t hosted_outstanding();
/* Bytes of these; what reserves have handed out is not counted. */
size_t hosted_bytes();
/* Says on stderr who made them. */
void hosted_print_outstanding();
/* Reserves hand out no more than what they keep back, so that takers have to wait. */
void hosted_limit_reserves(bool limit);

/* ---- the log ---- */

using HostedLogSink = std::function<void(enum tbk_level level, const char *line)>;

/* Where tbk_log() goes from now on; an empty function: stderr. */
void hosted_log_to(HostedLogSink sink);

} // namespace thinback
