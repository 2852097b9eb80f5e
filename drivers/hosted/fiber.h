/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <functional>
#include <string>

#include "simulation.h"
#include "stack_switch.h"

namespace thinback {

/* A stack and what runs on it. Only the scheduler switches to fibers, and fibers only back. */
class Fiber : public Context {
public:
	Fiber(const char *fiber_name, std::function<void()> body);
	~Fiber();
	Fiber(const Fiber &) = delete;
	Fiber &operator=(const Fiber &) = delete;

	/* Runs it until it pauses or ends; not from a fiber. */
	void resume();
	/* Back to whoever resumed it; from inside it. */
	void pause();

	bool has_ended() const { return ended_; }

	/* The scheduler's. */
	const void *key = nullptr;	 /* what it waits for */
	const char *waits = "its turn";	 /* ... in words */
	u64 parked_ns = 0;		 /* ... since when */
	bool is_asked_for_trace = false; /* resumed only to say where it is */

private:
	static void entry(void *self);
	void run();
	void leave();

	std::string own_name_;
	std::function<void()> body_;
	void *stack_;
	ParkedStack inside_;
	ParkedStack outside_;
	void *inside_fake_stack_ = nullptr;
	void *outside_fake_stack_ = nullptr;
	const void *outside_stack_ = nullptr;
	size_t outside_size_ = 0;
	bool ended_ = false;
};

} // namespace thinback
