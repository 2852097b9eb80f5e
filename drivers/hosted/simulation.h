/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of drivers/hosted/ share: who runs, who waits, who holds what. */
#pragma once

#include <functional>
#include <vector>

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

class Simulation;

/* The hosted_run() that is going on, the innermost one, or NULL. */
extern Simulation *simulation;

enum class LockKind { spin, irq, mutex };
enum class EventKind { thread, interrupt };

struct Held {
	const void *lock;
	int rank;
	LockKind kind;
	unsigned long flags;
};

/* Whatever runs code of the core: a fiber, an interrupt, or main() outside hosted_run(). */
struct Context {
	explicit Context(const char *context_name) : name(context_name) {}

	const char *name;
	std::vector<Held> held;
	unsigned int spinning = 0;  /* spinlocks held */
	unsigned int irqs_off = 0;  /* ... of them with interrupts off */
	unsigned int reading = 0;   /* RCU read sections */
	unsigned int unwilling = 0; /* in a callback that must neither sleep nor be preempted */
	bool interrupt = false;
	bool plugged = false;
};

Context &current_context();
Simulation &need_simulation(const char *what);

/* Reports a breach of platform.h's rules, with a stack trace, and aborts. */
[[noreturn, gnu::cold]] void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_stack_trace();

/* Dies where the kernel's might_sleep() would complain; others may run here. */
void might_sleep(const char *what);

/* With a seed, somebody else runs here now and then, as if on another CPU. */
void maybe_preempt();

/* Sleeps until unpark(@key). Wakes for nothing, too: check again. @what: for whom it may concern. */
void park(const void *key, const char *what);
void unpark(const void *key);

/* Counts an allocation. Returns whether it is one that has to fail. */
bool allocation_fails();
/* For the leak check: something is out, something came back. */
void note_taken(const void *thing, size_t bytes, const void *caller);
/* Returns how many bytes it was. */
size_t note_given(const void *thing);

/* Where an object's opaque storage is used, so that what was never set up is noticed. */
constexpr unsigned long alive = 0x7b6b616c69766521;

template <typename T, typename Opaque> T &real(Opaque *opaque)
{
	static_assert(sizeof(T) <= sizeof(Opaque) && alignof(T) <= alignof(Opaque));
	T &object = *reinterpret_cast<T *>(opaque);

	if (object.magic != alive)
		die("%s at %p was never set up, or is gone", T::kind, static_cast<void *>(opaque));
	return object;
}

template <typename T, typename Opaque> const T &real(const Opaque *opaque)
{
	return real<T>(const_cast<Opaque *>(opaque));
}

template <typename T, typename Opaque> T &set_up(Opaque *opaque)
{
	static_assert(sizeof(T) <= sizeof(Opaque) && alignof(T) <= alignof(Opaque));
	T &object = *new (static_cast<void *>(opaque)) T();

	object.magic = alive;
	return object;
}

} // namespace thinback
