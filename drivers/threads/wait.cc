// SPDX-License-Identifier: GPL-2.0
/* Gates, and waiting. */
#include <atomic>
#include <new>
#include <unistd.h>

#include "../hosted/simulation.h"
#include "threads.h"
#include "unseen.h"

using namespace thinback;

namespace {

/* Those who enter are put in order with whoever opened, those who leave with whoever closes. */
struct Gate {
	static constexpr const char *kind = "gate";
	unsigned long magic = 0;
	std::atomic<s64> inside;
	std::atomic<bool> is_closed;
};

struct Wait {
	static constexpr const char *kind = "wait";
	unsigned long magic = 0;
	std::mutex mutex;
	std::condition_variable woken;
	u64 wakes = 0;
};

bool ask(int (*holds)(void *), void *what)
{
	current_context().unwilling++;
	const bool answer = holds(what) != 0;
	current_context().unwilling--;
	return answer;
}

u64 wakes_so_far(Wait &wait)
{
	UnseenGuard guard(wait.mutex);

	return wait.wakes;
}

void sleep_until_woken(Wait &wait, u64 seen)
{
	UnseenGuard guard(wait.mutex);

	while (wait.wakes == seen)
		guard.wait(wait.woken);
}

} // namespace

int tbk_gate_init(struct tbk_gate *gate)
{
	might_sleep("memory for a gate");
	set_up<Gate>(gate);
	threads_count(1);
	return 0;
}

void tbk_gate_destroy(struct tbk_gate *gate)
{
	Gate &gone = real<Gate>(gate);

	might_sleep("the end of a gate");
	if (gone.inside.load() || !gone.is_closed.load())
		die("destroys a gate that is open or has somebody inside");
	gone.magic = 0;
	threads_count(-1);
}

int tbk_gate_enter(struct tbk_gate *gate)
{
	Gate &entered = real<Gate>(gate);

	/* A processor's addition is a barrier, whatever the sanitizer is told. */
	entered.inside.fetch_add(1, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
	if (!entered.is_closed.load(std::memory_order_acquire))
		return 1;
	entered.inside.fetch_sub(1, std::memory_order_relaxed);
	return 0;
}

void tbk_gate_leave(struct tbk_gate *gate)
{
	if (real<Gate>(gate).inside.fetch_sub(1, std::memory_order_release) <= 0)
		die("leaves a gate that nobody is in");
}

void tbk_gate_close(struct tbk_gate *gate)
{
	Gate &closed = real<Gate>(gate);

	might_sleep("a gate to empty");
	if (closed.is_closed.exchange(true))
		die("closes a gate that is closed");
	while (closed.inside.load(std::memory_order_acquire))
		usleep(20);
}

void tbk_gate_open(struct tbk_gate *gate)
{
	if (!real<Gate>(gate).is_closed.exchange(false, std::memory_order_release))
		die("opens a gate that is open");
}

void tbk_wait_init(struct tbk_wait *wait)
{
	set_up<Wait>(wait);
}

/* What the condition is told by puts the two in order, not the waking. */
void tbk_wait_until(struct tbk_wait *wait, int (*holds)(void *context), void *context)
{
	Wait &waited = real<Wait>(wait);

	might_sleep("a condition");
	for (;;) {
		const u64 seen = wakes_so_far(waited);

		if (ask(holds, context))
			return;
		sleep_until_woken(waited, seen);
	}
}

void tbk_wake(struct tbk_wait *wait)
{
	Wait &woken = real<Wait>(wait);
	UnseenGuard guard(woken.mutex);

	woken.wakes++;
	woken.woken.notify_all();
}
