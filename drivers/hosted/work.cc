// SPDX-License-Identifier: GPL-2.0
/* Works: each run is a fiber of its own. */
#include <string>
#include <unordered_map>

#include "scheduler.h"
#include "simulation.h"

using namespace thinback;

struct tbk_queue {
	std::string name;
	unsigned int busy = 0; /* works queued or running */
	unsigned int delayed = 0;
};

namespace {

struct Work {
	static constexpr const char *kind = "work";
	unsigned long magic;
	void (*run)(struct tbk_work *);
	struct tbk_queue *queue; /* of the last queueing */
	bool is_queued;		 /* waits to run, whether or not it runs now */
	bool is_delayed;	 /* ... for the time to come */
	unsigned int cancellers;
};

/* A run that has not ended. */
struct Run {
	u64 number;
	const Context *context; /* NULL before it begins */
	bool again;		/* queued meanwhile */
};

/* By address, not in the work: that may free itself, and be made anew, while it runs. */
std::unordered_map<struct tbk_work *, Run> runs;
u64 last_run;

void run_work(struct tbk_work *raw, struct tbk_queue *queue, u64 number);

void start_work(void *context)
{
	struct tbk_work *raw = static_cast<struct tbk_work *>(context);
	Work &work = real<Work>(raw);
	struct tbk_queue *queue = work.queue;
	const u64 number = ++last_run;

	work.is_queued = false;
	runs[raw] = { number, nullptr, false };
	simulation->start(queue->name.c_str(), [=] { run_work(raw, queue, number); });
}

void run_work(struct tbk_work *raw, struct tbk_queue *queue, u64 number)
{
	runs[raw].context = &current_context();
	real<Work>(raw).run(raw);

	const auto found = runs.find(raw);
	if (found != runs.end() && found->second.number == number) {
		const bool again = found->second.again;

		runs.erase(found);
		if (again)
			simulation->push({ EventKind::thread, start_work, raw });
		unpark(raw);
	}
	queue->busy--;
	unpark(queue);
}

void enqueue(struct tbk_work *raw)
{
	Work &work = real<Work>(raw);
	const auto run = runs.find(raw);

	work.is_queued = true;
	work.queue->busy++;
	if (run != runs.end())
		run->second.again = true;
	else
		simulation->push({ EventKind::thread, start_work, raw });
}

void delay_is_over(void *context)
{
	struct tbk_work *raw = static_cast<struct tbk_work *>(context);
	Work &work = real<Work>(raw);

	work.is_delayed = false;
	work.queue->delayed--;
	enqueue(raw);
}

void forget_delay(struct tbk_work *raw)
{
	Work &work = real<Work>(raw);

	if (!work.is_delayed)
		return;
	/* Due already, it is an event. */
	if (!simulation->retract_timer(delay_is_over, raw))
		simulation->retract(delay_is_over, raw);
	work.is_delayed = false;
	work.queue->delayed--;
}

void forget_queued(struct tbk_work *raw)
{
	Work &work = real<Work>(raw);
	const auto run = runs.find(raw);

	if (!work.is_queued)
		return;
	if (run != runs.end())
		run->second.again = false;
	else
		simulation->retract(start_work, raw);
	work.is_queued = false;
	work.queue->busy--;
	unpark(work.queue);
}

} // namespace

struct tbk_queue *tbk_queue_create(const char *name)
{
	might_sleep("threads");
	if (allocation_fails())
		return nullptr;

	struct tbk_queue *queue = new tbk_queue{ name };
	note_taken(queue, sizeof(*queue), __builtin_return_address(0));
	return queue;
}

void tbk_queue_destroy(struct tbk_queue *queue)
{
	might_sleep("works to end");
	while (queue->busy)
		park(queue, "works to end");
	if (queue->delayed)
		die("destroys queue %s with %u delayed works", queue->name.c_str(), queue->delayed);
	note_given(queue);
	delete queue;
}

void tbk_work_init(struct tbk_work *work, void (*run)(struct tbk_work *work))
{
	set_up<Work>(work).run = run;
	/* What ran here before freed itself. */
	runs.erase(work);
}

void tbk_work_queue(struct tbk_queue *queue, struct tbk_work *work)
{
	Work &queued = real<Work>(work);

	need_simulation("a work is queued");
	if (queued.is_queued || queued.cancellers)
		return;
	forget_delay(work);
	queued.queue = queue;
	enqueue(work);
	maybe_preempt();
}

void tbk_work_queue_after(struct tbk_queue *queue, struct tbk_work *work, unsigned int ms)
{
	Work &delayed = real<Work>(work);
	const u64 due = need_simulation("a work is queued").now() + u64(ms) * 1'000'000;

	if (delayed.is_queued || delayed.cancellers)
		return;
	if (delayed.is_delayed && simulation->due(delay_is_over, work) <= due)
		return;
	/* Due already, it is an event that will run before any timer. */
	if (delayed.is_delayed && !simulation->retract_timer(delay_is_over, work))
		return;
	if (delayed.is_delayed)
		delayed.queue->delayed--;
	delayed.queue = queue;
	delayed.is_delayed = true;
	queue->delayed++;
	simulation->push_timer({ due, { EventKind::interrupt, delay_is_over, work } });
}

void tbk_work_cancel(struct tbk_work *work)
{
	Work &cancelled = real<Work>(work);

	might_sleep("a work to end");
	if (!simulation)
		return;
	const auto run = runs.find(work);
	if (run != runs.end() && run->second.context == &current_context())
		die("a work cancels itself");
	cancelled.cancellers++;
	forget_delay(work);
	forget_queued(work);
	while (runs.count(work))
		park(work, "a work to end");
	cancelled.cancellers--;
}
