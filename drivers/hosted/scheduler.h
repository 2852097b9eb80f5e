/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <memory>
#include <vector>

#include "fiber.h"
#include "hosted.h"
#include "simulation.h"

namespace thinback {

/* Something to be done once: a fiber to go on, a work to start, a completion to deliver. */
struct Event {
	EventKind kind;
	void (*run)(void *);
	void *context;

	bool is(void (*other)(void *), void *on) const { return run == other && context == on; }
};

struct Timer {
	u64 due;
	Event event;
};

/* One hosted_run(): what is ready, what waits, what time it is, and who is next. */
class Simulation {
public:
	explicit Simulation(const HostedOptions &options) : options_(options), random_(options.seed)
	{
	}

	/* As hosted_run(). */
	bool run(const std::function<void()> &body);
	void start(const char *name, std::function<void()> body);

	u64 now() const;
	/* Below @n; which, the seed decides. */
	u64 pick(u64 n);
	u64 random();
	bool is_real() const { return options_.real; }
	u64 steps() const { return steps_; }
	Context *running() { return running_; }

	/* The fiber that runs now leaves the processor. */
	void park(const void *key, const char *what);
	void yield();
	void unpark(const void *key);

	void push(const Event &event) { ready_.push_back(event); }
	bool retract(void (*fn)(void *), void *context);
	void push_timer(const Timer &timer);
	bool retract_timer(void (*fn)(void *), void *context);
	u64 due(void (*fn)(void *), void *context) const;

private:
	static void resume_fiber(void *context);
	Fiber &running_fiber(const char *what);
	bool step();
	Event take();
	void dispatch(const Event &event);
	bool wait_for_timer();
	void fire_timers();
	[[gnu::cold]] void report_deadlock();
	void print_waiting();
	bool report_left_over();

	HostedOptions options_;
	u64 random_;
	u64 now_ = 1'000'000'000;
	u64 steps_ = 0;
	bool has_body_ended_ = false;
	std::vector<std::unique_ptr<Fiber>> fibers_; /* the first is the body, while it lives */
	std::vector<Event> ready_;
	std::vector<Timer> timers_; /* soonest first */
	Context *running_ = nullptr;
	Context interrupt_{ "an interrupt" };
};

} // namespace thinback
