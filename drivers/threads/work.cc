// SPDX-License-Identifier: GPL-2.0
/*
 * Works: a queue has as many threads as works that ran at once, and one that
 * waits for the time of those delayed. Queueing comes before the run, one run of
 * a work before its next, and the last run before cancel() returns.
 */
#include <algorithm>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "../hosted/simulation.h"
#include "threads.h"
#include "unseen.h"

using namespace thinback;

using Clock = std::chrono::system_clock;

struct tbk_queue {
	std::string name;
	std::deque<struct tbk_work *> ready;
	std::vector<struct tbk_work *> delayed;
	std::vector<struct tbk_work *> running; /* by address: a work may free itself */
	std::vector<std::thread> threads;
	std::condition_variable changed;
	unsigned int idle = 0;
	bool is_ending = false;
};

namespace {

struct Work {
	static constexpr const char *kind = "work";
	unsigned long magic = 0;
	void (*run)(struct tbk_work *) = nullptr;
	struct tbk_queue *queue = nullptr; /* of the last queueing */
	Clock::time_point due;
	bool is_queued = false; /* waits to run, whether or not it runs now */
	bool is_delayed = false;
	unsigned int cancellers = 0;
};

std::mutex lock; /* of all queues and works; unseen */

template <typename Works> bool contains(const Works &works, const struct tbk_work *work)
{
	return std::find(works.begin(), works.end(), work) != works.end();
}

/* The first that does not run already. */
struct tbk_work *find_ready(struct tbk_queue &queue)
{
	for (auto one = queue.ready.begin(); one != queue.ready.end(); ++one) {
		struct tbk_work *work = *one;

		if (contains(queue.running, work))
			continue;
		queue.ready.erase(one);
		return work;
	}
	return nullptr;
}

/* NULL when the queue ends. */
struct tbk_work *take_work(struct tbk_queue &queue)
{
	UnseenGuard guard(lock);

	for (;;) {
		struct tbk_work *work = find_ready(queue);

		if (work) {
			real<Work>(work).is_queued = false;
			queue.running.push_back(work);
			return work;
		}
		if (queue.is_ending)
			return nullptr;
		queue.idle++;
		guard.wait(queue.changed);
		queue.idle--;
	}
}

void note_end(struct tbk_queue &queue, struct tbk_work *work)
{
	UnseenGuard guard(lock);

	queue.running.erase(std::find(queue.running.begin(), queue.running.end(), work));
	queue.changed.notify_all();
}

void serve(struct tbk_queue &queue)
{
	current_context().name = "a work";
	while (struct tbk_work *work = take_work(queue)) {
		see_before(work);
		real<Work>(work).run(work);
		tell_after(work);
		note_end(queue, work);
	}
}

/* Under the lock. */
void make_ready(struct tbk_queue &queue, struct tbk_work *work)
{
	Work &queued = real<Work>(work);

	queued.is_queued = true;
	queue.ready.push_back(work);
	if (queue.ready.size() > queue.idle)
		queue.threads.emplace_back([&] { serve(queue); });
	queue.changed.notify_all();
}

/* Under the lock. */
void forget_delay(struct tbk_work *work)
{
	Work &delayed = real<Work>(work);

	if (delayed.is_delayed)
		std::erase(delayed.queue->delayed, work);
	delayed.is_delayed = false;
}

void keep_time(struct tbk_queue &queue)
{
	const auto later = [](struct tbk_work *a, struct tbk_work *b) {
		return real<Work>(a).due < real<Work>(b).due;
	};
	UnseenGuard guard(lock);

	while (!queue.is_ending) {
		if (queue.delayed.empty()) {
			guard.wait(queue.changed);
			continue;
		}
		struct tbk_work *first =
			*std::min_element(queue.delayed.begin(), queue.delayed.end(), later);
		const Clock::time_point due = real<Work>(first).due;

		if (due > Clock::now()) {
			guard.wait_until(queue.changed, due);
			continue;
		}
		forget_delay(first);
		make_ready(queue, first);
	}
}

} // namespace

struct tbk_queue *tbk_queue_create(const char *name)
{
	might_sleep("a queue");
	auto *queue = new tbk_queue;

	queue->name = name;
	threads_count(1);
	UnseenGuard guard(lock);

	queue->threads.emplace_back([=] { keep_time(*queue); });
	return queue;
}

void tbk_queue_destroy(struct tbk_queue *queue)
{
	std::vector<std::thread> threads;

	if (!queue)
		return;
	might_sleep("works to end");
	{
		UnseenGuard guard(lock);

		while (!queue->ready.empty() || !queue->running.empty())
			guard.wait(queue->changed);
		if (!queue->delayed.empty())
			die("destroys a queue with delayed works");
		queue->is_ending = true;
		queue->changed.notify_all();
		threads.swap(queue->threads);
	}
	for (std::thread &thread : threads)
		thread.join();
	threads_count(-1);
	delete queue;
}

void tbk_work_init(struct tbk_work *work, void (*run)(struct tbk_work *work))
{
	set_up<Work>(work).run = run;
}

void tbk_work_queue(struct tbk_queue *queue, struct tbk_work *work)
{
	Work &queued = real<Work>(work);

	tell_after(work);
	UnseenGuard guard(lock);

	if (queued.is_queued || queued.cancellers)
		return;
	forget_delay(work);
	queued.queue = queue;
	make_ready(*queue, work);
}

void tbk_work_queue_after(struct tbk_queue *queue, struct tbk_work *work, unsigned int ms)
{
	Work &delayed = real<Work>(work);
	const Clock::time_point due = Clock::now() + std::chrono::milliseconds(ms);

	tell_after(work);
	UnseenGuard guard(lock);

	if (delayed.is_queued || delayed.cancellers)
		return;
	if (delayed.is_delayed && delayed.due <= due)
		return;
	forget_delay(work);
	delayed.queue = queue;
	delayed.due = due;
	delayed.is_delayed = true;
	queue->delayed.push_back(work);
	queue->changed.notify_all();
}

void tbk_work_cancel(struct tbk_work *work)
{
	Work &cancelled = real<Work>(work);

	might_sleep("a work to end");
	{
		UnseenGuard guard(lock);
		struct tbk_queue *queue = cancelled.queue;

		if (queue) {
			cancelled.cancellers++;
			forget_delay(work);
			if (cancelled.is_queued)
				std::erase(queue->ready, work);
			cancelled.is_queued = false;
			while (contains(queue->running, work))
				guard.wait(queue->changed);
			cancelled.cancellers--;
		}
	}
	see_before(work);
}
