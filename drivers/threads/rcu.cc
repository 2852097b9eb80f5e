// SPDX-License-Identifier: GPL-2.0
/*
 * RCU: each thread says since when it reads; a thread of its own waits for all
 * who read when something was handed in, then frees it. Readers are put in
 * order with what frees, and with nothing else.
 */
#include <algorithm>
#include <atomic>
#include <thread>
#include <unistd.h>
#include <vector>

#include "../hosted/simulation.h"
#include "unseen.h"

using namespace thinback;

namespace {

using RcuFree = void (*)(struct tbk_rcu *);

struct Reader {
	std::atomic<u64> since{ 0 }; /* 0: does not read */
};

/* Never goes, as threads outlive main(). */
struct Rcu {
	std::atomic<u64> now{ 1 };
	std::mutex lock;
	std::condition_variable changed;
	std::vector<Reader *> readers;
	std::vector<struct tbk_rcu *> waiting;
	u64 handed_in = 0;
	u64 freed = 0;
	bool has_thread = false;
};

Rcu &rcu()
{
	static Rcu *const one = new Rcu;

	return *one;
}

/* Of a thread, as long as that lives. */
class Registration {
public:
	Registration()
	{
		UnseenGuard guard(rcu().lock);

		rcu().readers.push_back(&reader);
	}
	~Registration()
	{
		UnseenGuard guard(rcu().lock);

		std::erase(rcu().readers, &reader);
	}
	Registration(const Registration &) = delete;
	Registration &operator=(const Registration &) = delete;

	Reader reader;
};

thread_local Registration own;

bool is_anyone_left(u64 before)
{
	UnseenGuard guard(rcu().lock);

	return std::any_of(rcu().readers.begin(), rcu().readers.end(), [=](const Reader *reader) {
		const u64 since = reader->since.load();

		return since != 0 && since < before;
	});
}

/* Readers may come and go meanwhile: those who have gone do not read. */
void wait_for_readers()
{
	const u64 before = rcu().now.fetch_add(1) + 1;

	while (is_anyone_left(before))
		usleep(20);
	/* What they did before they left comes before what follows. */
	see_before(&rcu().readers);
}

std::vector<struct tbk_rcu *> take_waiting()
{
	UnseenGuard guard(rcu().lock);

	while (rcu().waiting.empty())
		guard.wait(rcu().changed);
	return std::move(rcu().waiting);
}

void free_one(struct tbk_rcu *one)
{
	see_before(one);
	current_context().unwilling++;
	reinterpret_cast<RcuFree>(one->opaque[0])(one);
	current_context().unwilling--;
}

void free_for_ever()
{
	current_context().name = "RCU";
	for (;;) {
		const auto all = take_waiting();

		wait_for_readers();
		for (struct tbk_rcu *one : all)
			free_one(one);
		tell_after(&rcu().freed);
		UnseenGuard guard(rcu().lock);

		rcu().freed += all.size();
		rcu().changed.notify_all();
	}
}

} // namespace

void tbk_rcu_read_lock(void)
{
	if (current_context().reading++)
		return;
	/* A processor's exchange is a barrier, whatever the sanitizer is told. */
	own.reader.since.exchange(rcu().now.load(std::memory_order_relaxed),
				  std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
}

void tbk_rcu_read_unlock(void)
{
	if (!current_context().reading)
		die("leaves an RCU read section it is not in");
	if (--current_context().reading)
		return;
	tell_after(&rcu().readers);
	own.reader.since.store(0, std::memory_order_release);
}

void tbk_rcu_call(struct tbk_rcu *one, void (*free)(struct tbk_rcu *rcu))
{
	bool needs_thread = false;

	one->opaque[0] = reinterpret_cast<unsigned long>(free);
	tell_after(one);
	{
		UnseenGuard guard(rcu().lock);

		rcu().waiting.push_back(one);
		rcu().handed_in++;
		needs_thread = !rcu().has_thread;
		rcu().has_thread = true;
		rcu().changed.notify_all();
	}
	if (needs_thread)
		std::thread(free_for_ever).detach();
}

void tbk_rcu_barrier(void)
{
	might_sleep("RCU callbacks");
	{
		UnseenGuard guard(rcu().lock);
		const u64 all = rcu().handed_in;

		while (rcu().freed < all)
			guard.wait(rcu().changed);
	}
	see_before(&rcu().freed);
}
