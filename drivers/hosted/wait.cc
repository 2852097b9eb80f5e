// SPDX-License-Identifier: GPL-2.0
/* RCU, gates and waiting. */
#include "hosted.h"
#include "simulation.h"

using namespace thinback;

namespace {

/* ---- RCU ---- */

using RcuFree = void (*)(struct tbk_rcu *);

unsigned int readers; /* in all contexts */
u64 callbacks_queued;
u64 callbacks_run;

/* One event each, so that others come between them. */
void run_callback(void *context)
{
	struct tbk_rcu *rcu = static_cast<struct tbk_rcu *>(context);
	const RcuFree free = reinterpret_cast<RcuFree>(rcu->opaque[0]);

	if (readers) {
		hosted_interrupt(0, run_callback, rcu);
		return;
	}
	free(rcu);
	callbacks_run++;
	unpark(&callbacks_run);
}

/* ---- gates ---- */

struct Gate {
	static constexpr const char *kind = "gate";
	unsigned long magic;
	unsigned long inside;
	bool is_closed;
};

/* ---- waiting ---- */

struct Wait {
	static constexpr const char *kind = "wait";
	unsigned long magic;
};

bool ask(int (*holds)(void *), void *what)
{
	Context &context = current_context();

	context.unwilling++;
	const bool answer = holds(what) != 0;
	context.unwilling--;
	return answer;
}

} // namespace

void tbk_rcu_read_lock(void)
{
	current_context().reading++;
	readers++;
}

void tbk_rcu_read_unlock(void)
{
	if (!current_context().reading)
		die("leaves an RCU read section it is not in");
	current_context().reading--;
	readers--;
	maybe_preempt();
}

void tbk_rcu_call(struct tbk_rcu *rcu, void (*free)(struct tbk_rcu *rcu))
{
	rcu->opaque[0] = reinterpret_cast<unsigned long>(free);
	if (!simulation) {
		free(rcu);
		return;
	}
	callbacks_queued++;
	hosted_interrupt(0, run_callback, rcu);
}

void tbk_rcu_barrier(void)
{
	might_sleep("RCU callbacks");
	/* They do not run in the order they were queued in: later ones are waited for, too. */
	while (callbacks_run < callbacks_queued)
		park(&callbacks_run, "RCU callbacks");
}

int tbk_gate_init(struct tbk_gate *gate)
{
	might_sleep("memory for a gate");
	if (allocation_fails())
		return -TBK_ENOMEM;
	set_up<Gate>(gate);
	note_taken(gate, sizeof(*gate), __builtin_return_address(0));
	return 0;
}

void tbk_gate_destroy(struct tbk_gate *gate)
{
	Gate &gone = real<Gate>(gate);

	might_sleep("the end of a gate");
	if (gone.inside || !gone.is_closed)
		die("destroys a gate that is open or has somebody inside");
	gone.magic = 0;
	note_given(gate);
}

int tbk_gate_enter(struct tbk_gate *gate)
{
	Gate &entered = real<Gate>(gate);

	maybe_preempt();
	if (entered.is_closed)
		return 0;
	entered.inside++;
	return 1;
}

void tbk_gate_leave(struct tbk_gate *gate)
{
	Gate &left = real<Gate>(gate);

	if (!left.inside)
		die("leaves a gate that nobody is in");
	if (!--left.inside)
		unpark(gate);
	maybe_preempt();
}

void tbk_gate_close(struct tbk_gate *gate)
{
	Gate &closed = real<Gate>(gate);

	might_sleep("a gate to empty");
	if (closed.is_closed)
		die("closes a gate that is closed");
	closed.is_closed = true;
	while (closed.inside)
		park(gate, "a gate to empty");
}

void tbk_gate_open(struct tbk_gate *gate)
{
	Gate &opened = real<Gate>(gate);

	if (!opened.is_closed)
		die("opens a gate that is open");
	opened.is_closed = false;
}

void tbk_wait_init(struct tbk_wait *wait)
{
	set_up<Wait>(wait);
}

void tbk_wait_until(struct tbk_wait *wait, int (*holds)(void *context), void *context)
{
	real<Wait>(wait);
	might_sleep("a condition");
	while (!ask(holds, context))
		park(wait, "a condition");
}

void tbk_wake(struct tbk_wait *wait)
{
	real<Wait>(wait);
	unpark(wait);
}
