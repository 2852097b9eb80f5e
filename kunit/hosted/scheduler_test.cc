// SPDX-License-Identifier: GPL-2.0
/* Of the simulated kernel itself. */
#include <string>
#include <vector>

#include <thinback/base/lock.h>

#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "death.h"

using namespace thinback;

namespace {

constexpr const char *names[] = { "a", "b", "c" };

int never(void *)
{
	return 0;
}

/* The order in which three fibers write their letters, three each. */
std::string letters(u64 seed)
{
	std::string text;
	const auto write = [&](const char *name) {
		for (int i = 0; i < 3; i++) {
			text += name;
			hosted_yield();
		}
	};

	hosted_run(
		[&] {
			for (const char *name : names)
				hosted_spawn(name, [=] { write(name); });
		},
		{ seed, false });
	return text;
}

bool dies_running(const std::function<void()> &body)
{
	return dies([&] { hosted_run(body); });
}

bool dies_in_interrupt(void (*run)(void *), void *context)
{
	return dies_running([&] {
		hosted_interrupt(0, run, context);
		hosted_sleep_ms(1);
	});
}

/* A work that queues itself every second. */
struct Ticker {
	struct tbk_work work; /* first: found from it */
	struct tbk_queue *queue;
};

void tick(struct tbk_work *work)
{
	tbk_work_queue_after(reinterpret_cast<Ticker *>(work)->queue, work, 1000);
}

} // namespace

TBK_TEST(fibers_take_turns_in_order)
{
	CHECK_EQ(letters(0).c_str(), "abcabcabc");
}

TBK_TEST(equal_seeds_give_equal_runs)
{
	for (u64 seed = 1; seed < 20; seed++)
		CHECK_EQ(letters(seed).c_str(), letters(seed).c_str());
}

TBK_TEST(unequal_seeds_give_unequal_runs)
{
	bool differs = false;

	for (u64 seed = 1; seed < 20; seed++)
		differs |= letters(seed) != letters(seed + 1);
	CHECK(differs);
}

TBK_TEST(mutex_lets_one_in_at_a_time)
{
	for (u64 seed = 0; seed < 20; seed++) {
		Mutex mutex(TBK_RANK_VOLUME);
		int inside = 0;
		int entries = 0;
		const auto enter = [&] {
			MutexGuard guard(mutex);

			CHECK_EQ(inside++, 0);
			hosted_yield();
			inside--;
			entries++;
		};

		hosted_run(
			[&] {
				for (const char *name : names)
					hosted_spawn(name, enter);
			},
			{ seed, false });
		CHECK_EQ(entries, 3);
	}
}

TBK_TEST(virtual_time_jumps_when_idle)
{
	hosted_run([&] {
		const u64 start = tbk_now_ns();

		hosted_sleep_ms(3600 * 1000);
		CHECK(tbk_now_ns() - start >= 3600ull * 1'000'000'000);
		CHECK(tbk_now_ns() - start < 3601ull * 1'000'000'000);
	});
}

TBK_TEST(deadlock_is_noticed)
{
	CHECK(dies_running([] {
		struct tbk_wait wait = {};

		tbk_wait_init(&wait);
		tbk_wait_until(&wait, never, nullptr);
	}));
}

TBK_TEST(deadlock_behind_timers_is_noticed)
{
	CHECK(dies_running([] {
		struct tbk_wait wait = {};
		Ticker ticker = {};

		ticker.queue = tbk_queue_create("ticker");
		tbk_work_init(&ticker.work, tick);
		tbk_work_queue(ticker.queue, &ticker.work);
		tbk_wait_init(&wait);
		tbk_wait_until(&wait, never, nullptr);
	}));
}

TBK_TEST(missed_wake_is_noticed)
{
	CHECK(dies_running([] {
		struct tbk_wait wait = {};
		bool is_set = false;

		tbk_wait_init(&wait);
		hosted_spawn("forgets to wake", [&] { is_set = true; });
		tbk_wait_until(
			&wait, [](void *set) { return int(*static_cast<bool *>(set)); }, &is_set);
	}));
}

TBK_TEST(wrong_rank_is_noticed)
{
	CHECK(dies_running([] {
		Mutex inner(TBK_RANK_GROUP);
		Mutex outer(TBK_RANK_VOLUME);
		MutexGuard first(inner);
		MutexGuard second(outer);
	}));
	CHECK(dies_running([] {
		Mutex one(TBK_RANK_VOLUME);
		Mutex other(TBK_RANK_VOLUME);
		MutexGuard first(one);
		MutexGuard second(other);
	}));
}

TBK_TEST(sleep_under_spinlock_is_noticed)
{
	CHECK(dies_running([] {
		SpinLock lock(TBK_RANK_NODE_CACHE);
		SpinGuard guard(lock);

		tbk_free(tbk_alloc(8, TBK_MAY_SLEEP));
	}));
}

TBK_TEST(sleep_in_read_section_is_noticed)
{
	CHECK(dies_running([] {
		RcuGuard reading;

		tbk_rcu_barrier();
	}));
}

TBK_TEST(sleep_in_interrupt_is_noticed)
{
	Mutex mutex(TBK_RANK_VOLUME);

	CHECK(dies_in_interrupt([](void *of) { MutexGuard guard(*static_cast<Mutex *>(of)); },
				&mutex));
}

TBK_TEST(spinlock_of_processes_in_interrupt_is_noticed)
{
	SpinLock lock(TBK_RANK_NODE_CACHE);
	IrqLock irq_lock(TBK_RANK_RING);

	CHECK(dies_in_interrupt([](void *of) { SpinGuard guard(*static_cast<SpinLock *>(of)); },
				&lock));
	CHECK(!dies_in_interrupt([](void *of) { IrqGuard guard(*static_cast<IrqLock *>(of)); },
				 &irq_lock));
}

TBK_TEST(fibers_left_over_are_told_of)
{
	const auto leave_over = [] {
		struct tbk_wait wait = {};

		tbk_wait_init(&wait);
		tbk_wait_until(&wait, never, nullptr);
	};
	const auto body = [&] {
		hosted_spawn("left over", leave_over);
	};

	/* In a child, as what is said of it would be taken for trouble of this test's. */
	CHECK(!dies([&] { hosted_run(body); }));
	CHECK(dies([&] {
		if (!hosted_run(body))
			abort();
	}));
}

TBK_TEST(nth_allocation_fails)
{
	hosted_fail_alloc_after(2);
	void *first = tbk_alloc(8, TBK_MAY_SLEEP);
	CHECK(first);
	CHECK(!hosted_alloc_failed());
	CHECK(!tbk_alloc(8, TBK_ATOMIC));
	CHECK(hosted_alloc_failed());
	void *third = tbk_big_alloc(8);
	CHECK(third);
	CHECK_EQ(hosted_outstanding(), 2);
	tbk_free(first);
	tbk_big_free(third);
}

TBK_TEST(limited_reserve_makes_takers_wait)
{
	struct tbk_reserve *reserve = tbk_reserve_create("test", 64, 1);
	int most = 0;
	int out = 0;

	REQUIRE(reserve);
	hosted_limit_reserves(true);
	hosted_run([&] {
		for (const char *name : names)
			hosted_spawn(name, [&] {
				void *object = tbk_reserve_take(reserve);

				most = max(most, ++out);
				hosted_yield();
				out--;
				tbk_reserve_give(reserve, object);
			});
	});
	hosted_limit_reserves(false);
	tbk_reserve_destroy(reserve);
	CHECK_EQ(most, 1);
}

TBK_TEST(log_goes_to_sink)
{
	std::string text;

	hosted_log_to([&](enum tbk_level level, const char *line) {
		CHECK_EQ(level, TBK_LOG_WARNING);
		text = line;
	});
	tbk_log(TBK_LOG_WARNING, "%s is %d", "answer", 42);
	hosted_log_to({});
	CHECK_EQ(text.c_str(), "answer is 42");
}
