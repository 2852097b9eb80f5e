// SPDX-License-Identifier: GPL-2.0
/* What the platform promises of waiting, gates, RCU and reserves: both platforms. */
#include <thinback/base/atomic.h>
#include <thinback/base/lock.h>
#include <thinback/base/owned.h>

#include "../harness/check.h"

using namespace thinback;

namespace {

/* Something another thread does, once, some time after start(). */
class Errand {
public:
	explicit Errand(void (*run)(Errand &)) : run_(run) { tbk_wait_init(&wait); }
	~Errand()
	{
		if (queue_)
			tbk_queue_destroy(queue_);
	}
	Errand(const Errand &) = delete;
	Errand &operator=(const Errand &) = delete;

	bool start()
	{
		auto work = make<Work>();

		queue_ = tbk_queue_create("errand");
		if (!queue_ || !work.is_ok())
			return false;
		work_ = work.release();
		tbk_work_init(&work_->raw, run_work);
		work_->errand = this;
		tbk_work_queue_after(queue_, &work_->raw, 1);
		return true;
	}

	/* The delay has to be over before the queue may go. */
	void join() { tbk_wait_until(&wait, is_done, this); }

	struct tbk_wait wait = {};
	struct tbk_gate gate = {};
	Atomic<u32> steps;

private:
	struct Work {
		struct tbk_work raw; /* first: found from it */
		Errand *errand;
	};

	static int is_done(void *context)
	{
		return static_cast<Errand *>(context)->done_.load_acquire();
	}

	static void run_work(struct tbk_work *raw)
	{
		Errand &self = *reinterpret_cast<Work *>(raw)->errand;

		self.run_(self);
		self.done_.store_release(1);
		tbk_wake(&self.wait);
	}

	void (*run_)(Errand &);
	struct tbk_queue *queue_ = nullptr;
	Owned<Work> work_; /* not on the stack: a debug kernel minds */
	Atomic<int> done_;
};

int has_step(void *context)
{
	return static_cast<Errand *>(context)->steps.load_acquire() != 0;
}

struct Doomed {
	struct tbk_rcu rcu; /* first: found from it */
	Atomic<u32> *freed;
};

void count_freed(struct tbk_rcu *rcu)
{
	reinterpret_cast<Doomed *>(rcu)->freed->fetch_add(1);
}

} // namespace

TBK_TEST(wait_ends_when_condition_holds)
{
	Errand errand([](Errand &self) {
		self.steps.fetch_add(1);
		tbk_wake(&self.wait);
	});

	REQUIRE(errand.start());
	tbk_wait_until(&errand.wait, has_step, &errand);
	CHECK_EQ(errand.steps.load_relaxed(), 1);
	errand.join();
}

TBK_TEST(gate_lets_nobody_in_when_closed)
{
	struct tbk_gate gate = {};

	REQUIRE_EQ(tbk_gate_init(&gate), 0);
	CHECK(tbk_gate_enter(&gate));
	tbk_gate_leave(&gate);
	tbk_gate_close(&gate);
	CHECK(!tbk_gate_enter(&gate));
	tbk_gate_open(&gate);
	CHECK(tbk_gate_enter(&gate));
	tbk_gate_leave(&gate);
	tbk_gate_close(&gate);
	tbk_gate_destroy(&gate);
}

TBK_TEST(gate_closes_when_last_has_left)
{
	Errand errand([](Errand &self) {
		self.steps.fetch_add(1);
		tbk_gate_leave(&self.gate);
	});

	REQUIRE_EQ(tbk_gate_init(&errand.gate), 0);
	CHECK(tbk_gate_enter(&errand.gate));
	CHECK(errand.start());
	tbk_gate_close(&errand.gate);
	CHECK_EQ(errand.steps.load_relaxed(), 1);
	errand.join();
	tbk_gate_destroy(&errand.gate);
}

TBK_TEST(rcu_barrier_waits_for_callbacks)
{
	Atomic<u32> freed;
	Doomed one = { {}, &freed };
	Doomed two = { {}, &freed };

	{
		RcuGuard reading;
		tbk_rcu_call(&one.rcu, count_freed);
		tbk_rcu_call(&two.rcu, count_freed);
		CHECK_EQ(freed.load_relaxed(), 0);
	}
	tbk_rcu_barrier();
	CHECK_EQ(freed.load_relaxed(), 2);
}

TBK_TEST(reserve_hands_out_least)
{
	struct tbk_reserve *reserve = tbk_reserve_create("tbk_test", 256, 2);

	REQUIRE(reserve);
	void *one = tbk_reserve_take(reserve);
	void *two = tbk_reserve_take(reserve);
	CHECK(one != two);
	tbk_reserve_give(reserve, one);
	tbk_reserve_give(reserve, two);
	tbk_reserve_destroy(reserve);
}
