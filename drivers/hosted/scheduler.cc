// SPDX-License-Identifier: GPL-2.0
/* Who runs next. */
#include "scheduler.h"

#include <algorithm>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

namespace thinback {

namespace {

constexpr u64 second_ns = 1'000'000'000;
constexpr u64 step_ns = 1000;
/* A body that waits longer than this, while nothing but timers happens, waits in vain. */
constexpr u64 patience_ns = 6ull * 3600 * second_ns;

u64 wall_clock_ns()
{
	struct timespec now = {};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return u64(now.tv_sec) * second_ns + u64(now.tv_nsec);
}

} // namespace

u64 Simulation::now() const
{
	return options_.real ? wall_clock_ns() : now_;
}

/* splitmix64: good enough to pick with, and the same everywhere. */
u64 Simulation::random()
{
	u64 z = random_ += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

u64 Simulation::pick(u64 n)
{
	return options_.seed && n > 1 ? random() % n : 0;
}

void Simulation::start(const char *name, std::function<void()> body)
{
	fibers_.push_back(std::make_unique<Fiber>(name, std::move(body)));
	push({ EventKind::thread, resume_fiber, fibers_.back().get() });
}

void Simulation::resume_fiber(void *context)
{
	Fiber *fiber = static_cast<Fiber *>(context);

	simulation->running_ = fiber;
	fiber->resume();
	simulation->running_ = nullptr;
	if (!fiber->has_ended())
		return;
	if (!fiber->held.empty() || fiber->reading)
		die("%s ended with a lock held", fiber->name);

	auto &all = simulation->fibers_;
	all.erase(std::find_if(all.begin(), all.end(),
			       [&](const auto &one) { return one.get() == fiber; }));
}

Fiber &Simulation::running_fiber(const char *what)
{
	if (!running_ || running_->interrupt)
		die("waits for %s, but is no fiber", what);
	return *static_cast<Fiber *>(running_);
}

void Simulation::park(const void *key, const char *what)
{
	Fiber &fiber = running_fiber(what);

	fiber.key = key;
	fiber.waits = what;
	fiber.parked_ns = now();
	fiber.pause();
}

void Simulation::yield()
{
	Fiber &fiber = running_fiber("its turn");

	fiber.waits = "its turn";
	push({ EventKind::thread, resume_fiber, &fiber });
	fiber.pause();
}

void Simulation::unpark(const void *key)
{
	for (const auto &fiber : fibers_) {
		if (fiber->key != key)
			continue;
		fiber->key = nullptr;
		push({ EventKind::thread, resume_fiber, fiber.get() });
	}
}

bool Simulation::retract(void (*fn)(void *), void *context)
{
	const auto found = std::find_if(ready_.begin(), ready_.end(),
					[&](const Event &one) { return one.is(fn, context); });

	if (found == ready_.end())
		return false;
	ready_.erase(found);
	return true;
}

void Simulation::push_timer(const Timer &timer)
{
	const auto is_sooner = [](const Timer &a, const Timer &b) {
		return a.due < b.due;
	};

	timers_.insert(std::upper_bound(timers_.begin(), timers_.end(), timer, is_sooner), timer);
}

bool Simulation::retract_timer(void (*fn)(void *), void *context)
{
	const auto found = std::find_if(timers_.begin(), timers_.end(), [&](const Timer &one) {
		return one.event.is(fn, context);
	});

	if (found == timers_.end())
		return false;
	timers_.erase(found);
	return true;
}

u64 Simulation::due(void (*fn)(void *), void *context) const
{
	for (const Timer &timer : timers_)
		if (timer.event.is(fn, context))
			return timer.due;
	return ~0ull;
}

void Simulation::fire_timers()
{
	while (!timers_.empty() && timers_.front().due <= now()) {
		push(timers_.front().event);
		timers_.erase(timers_.begin());
	}
}

/* Everybody waits: the next thing to happen is the next timer. */
bool Simulation::wait_for_timer()
{
	if (timers_.empty())
		return false;

	const u64 due = timers_.front().due;
	const u64 left = due > now() ? due - now() : 0;
	if (options_.real) {
		const struct timespec pause = { time_t(left / second_ns), long(left % second_ns) };
		nanosleep(&pause, nullptr);
		return true;
	}
	now_ += left;
	if (!has_body_ended_ && fibers_.front()->key &&
	    now_ - fibers_.front()->parked_ns > patience_ns)
		report_deadlock();
	return true;
}

Event Simulation::take()
{
	const auto chosen = ready_.begin() + static_cast<ptrdiff_t>(pick(ready_.size()));
	const Event event = *chosen;

	ready_.erase(chosen);
	return event;
}

void Simulation::dispatch(const Event &event)
{
	steps_++;
	now_ += step_ns;
	if (event.kind == EventKind::thread) {
		event.run(event.context);
		return;
	}
	interrupt_.interrupt = true;
	running_ = &interrupt_;
	event.run(event.context);
	running_ = nullptr;
	if (!interrupt_.held.empty() || interrupt_.reading)
		die("an interrupt ended with a lock held");
}

bool Simulation::step()
{
	fire_timers();
	if (ready_.empty()) {
		/* When nobody is left, nobody waits for what works meant to do some day. */
		return !fibers_.empty() && wait_for_timer();
	}
	dispatch(take());
	return true;
}

void Simulation::print_waiting()
{
	for (const auto &fiber : fibers_) {
		fprintf(stderr, "# %s waits for %s\n", fiber->name, fiber->waits);
		for (const Held &held : fiber->held)
			fprintf(stderr, "#   and holds a lock of rank %d at %p\n", held.rank,
				held.lock);
		fiber->is_asked_for_trace = true;
		fiber->resume();
	}
}

void Simulation::report_deadlock()
{
	fprintf(stderr, "# deadlock: nobody can run (seed %llu)\n", options_.seed);
	print_waiting();
	abort();
}

bool Simulation::report_left_over()
{
	if (!fibers_.empty()) {
		fprintf(stderr, "# left over at the end (seed %llu):\n", options_.seed);
		print_waiting();
	}
	if (!timers_.empty())
		fprintf(stderr, "# left over at the end: %zu delayed works\n", timers_.size());
	return fibers_.empty() && timers_.empty();
}

bool Simulation::run(const std::function<void()> &body)
{
	start("the body", [&] {
		body();
		has_body_ended_ = true;
	});
	while (step()) {}
	if (!has_body_ended_)
		report_deadlock();
	return report_left_over();
}

} // namespace thinback
