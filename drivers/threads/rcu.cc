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

Rcu &all_rcu()
{
	static Rcu *const one = new Rcu;

	return *one;
}

/* Of a thread, as long as that lives. */
class Registration {
public:
	Registration()
	{
		UnseenGuard guard(all_rcu().lock);

		all_rcu().readers.push_back(&reader);
	}
	~Registration()
	{
		UnseenGuard guard(all_rcu().lock);

		std::erase(all_rcu().readers, &reader);
	}
	Registration(const Registration &) = delete;
	Registration &operator=(const Registration &) = delete;

	Reader reader;
};

thread_local Registration own;

bool is_anyone_left(u64 before)
{
	UnseenGuard guard(all_rcu().lock);

	return std::any_of(all_rcu().readers.begin(), all_rcu().readers.end(),
			   [=](const Reader *reader) {
				   const u64 since = reader->since.load();

				   return since != 0 && since < before;
			   });
}

/* Readers may come and go meanwhile: those who have gone do not read. */
void wait_for_readers()
{
	const u64 before = all_rcu().now.fetch_add(1) + 1;

	while (is_anyone_left(before))
		usleep(20);
	/* What they did before they left comes before what follows. */
	see_before(&all_rcu().readers);
}

std::vector<struct tbk_rcu *> take_waiting()
{
	UnseenGuard guard(all_rcu().lock);

	while (all_rcu().waiting.empty())
		guard.wait(all_rcu().changed);
	return std::move(all_rcu().waiting);
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
		tell_after(&all_rcu().freed);
		UnseenGuard guard(all_rcu().lock);

		all_rcu().freed += all.size();
		all_rcu().changed.notify_all();
	}
}

} // namespace

void tbk_rcu_read_lock(void)
{
	if (current_context().reading++)
		return;
	/* A processor's exchange is a barrier, whatever the sanitizer is told. */
	own.reader.since.exchange(all_rcu().now.load(std::memory_order_relaxed),
				  std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
}

void tbk_rcu_read_unlock(void)
{
	if (!current_context().reading)
		die("leaves an RCU read section it is not in");
	if (--current_context().reading)
		return;
	tell_after(&all_rcu().readers);
	own.reader.since.store(0, std::memory_order_release);
}

void tbk_rcu_call(struct tbk_rcu *rcu, void (*free)(struct tbk_rcu *rcu))
{
	bool needs_thread = false;

	rcu->opaque[0] = reinterpret_cast<unsigned long>(free);
	tell_after(rcu);
	{
		UnseenGuard guard(all_rcu().lock);

		all_rcu().waiting.push_back(rcu);
		all_rcu().handed_in++;
		needs_thread = !all_rcu().has_thread;
		all_rcu().has_thread = true;
		all_rcu().changed.notify_all();
	}
	if (needs_thread)
		std::thread(free_for_ever).detach();
}

void tbk_rcu_barrier(void)
{
	might_sleep("RCU callbacks");
	{
		UnseenGuard guard(all_rcu().lock);
		const u64 all = all_rcu().handed_in;

		while (all_rcu().freed < all)
			guard.wait(all_rcu().changed);
	}
	see_before(&all_rcu().freed);
}
