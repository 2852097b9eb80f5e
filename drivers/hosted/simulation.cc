// SPDX-License-Identifier: GPL-2.0
/* The ways into the simulation that is going on. */
#include "simulation.h"

#include <execinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sanitizer.h"
#include "scheduler.h"

namespace thinback {

Simulation *simulation;

namespace {

Context outside{ "main()" };

bool is_atomic(const Context &context)
{
	return context.spinning || context.reading || context.unwilling || context.interrupt;
}

const char *why_atomic(const Context &context)
{
	if (context.interrupt)
		return "in an interrupt";
	if (context.spinning)
		return "while it holds a spinlock";
	if (context.reading)
		return "in an RCU read section";
	return "in a callback that must not";
}

} // namespace

void print_stack_trace()
{
	fflush(stdout);
#ifdef TBK_ASAN
	__sanitizer_print_stack_trace();
#else
	void *frames[32];

	backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
#endif
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "# %s: ", current_context().name);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	print_stack_trace();
	abort();
}

Context &current_context()
{
	Context *running = simulation ? simulation->running() : nullptr;

	return running ? *running : outside;
}

Simulation &need_simulation(const char *what)
{
	if (!simulation)
		die("%s outside hosted_run()", what);
	return *simulation;
}

void might_sleep(const char *what)
{
	const Context &context = current_context();

	if (is_atomic(context))
		die("may sleep (%s) %s", what, why_atomic(context));
	maybe_preempt();
}

void maybe_preempt()
{
	const Context &context = current_context();

	if (!simulation || &context == &outside)
		return;
	if (context.spinning || context.unwilling || context.interrupt)
		return;
	if (simulation->pick(4) == 1)
		simulation->yield();
}

void park(const void *key, const char *what)
{
	need_simulation(what).park(key, what);
}

void unpark(const void *key)
{
	if (simulation)
		simulation->unpark(key);
}

/* ---- hosted.h ---- */

bool hosted_run(const std::function<void()> &body, const HostedOptions &options)
{
	Simulation *const outer = simulation;
	Simulation inner(options);

	simulation = &inner;
	const bool is_clean = inner.run(body);
	simulation = outer;
	return is_clean;
}

void hosted_spawn(const char *name, std::function<void()> body)
{
	need_simulation("hosted_spawn()").start(name, std::move(body));
}

void hosted_yield()
{
	might_sleep("hosted_yield()");
	need_simulation("hosted_yield()").yield();
}

void hosted_sleep_ms(unsigned int ms)
{
	Simulation &now = need_simulation("hosted_sleep_ms()");
	const u64 until = now.now() + u64(ms) * 1'000'000;
	int key = 0;

	might_sleep("hosted_sleep_ms()");
	now.push_timer({ until, { EventKind::interrupt, [](void *at) { unpark(at); }, &key } });
	while (now.now() < until)
		now.park(&key, "time to pass");
}

void hosted_interrupt(u64 delay_ns, void (*run)(void *context), void *context)
{
	Simulation &now = need_simulation("hosted_interrupt()");
	const Event event = { EventKind::interrupt, run, context };

	if (delay_ns)
		now.push_timer({ now.now() + delay_ns, event });
	else
		now.push(event);
}

u64 hosted_pick(u64 n)
{
	return simulation ? simulation->pick(n) : 0;
}

u64 hosted_steps()
{
	return simulation ? simulation->steps() : 0;
}

} // namespace thinback
