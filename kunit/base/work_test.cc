// SPDX-License-Identifier: GPL-2.0
/* What the platform promises of works: both platforms. */
#include <thinback/base/atomic.h>
#include <thinback/base/owned.h>

#include "../harness/check.h"

using namespace thinback;

namespace {

constexpr unsigned int an_hour = 3600 * 1000;

/* A work that counts its runs, not on the stack, which a debug kernel minds; a queue that goes with the block. */
struct Fixture {
	struct Counting {
		struct tbk_work raw; /* first: found from it */
		Fixture *fixture;
	};

	Fixture()
	{
		auto made = make<Counting>();

		tbk_wait_init(&wait);
		if (!made.is_ok())
			return;
		work = made.release();
		tbk_work_init(&work->raw, count);
		work->fixture = this;
		queue = tbk_queue_create("test");
	}
	~Fixture()
	{
		if (queue)
			tbk_queue_destroy(queue);
	}
	Fixture(const Fixture &) = delete;
	Fixture &operator=(const Fixture &) = delete;

	static void count(struct tbk_work *raw)
	{
		Fixture &self = *reinterpret_cast<Counting *>(raw)->fixture;

		if (self.runs.fetch_add(1) + 1 < self.wanted)
			tbk_work_queue(self.queue, raw);
		tbk_wake(&self.wait);
	}

	static int are_all_done(void *context)
	{
		const Fixture &self = *static_cast<Fixture *>(context);

		return self.runs.load_acquire() >= self.wanted;
	}

	void wait_for_all() { tbk_wait_until(&wait, are_all_done, this); }

	struct tbk_queue *queue = nullptr; /* is there when all else is */
	struct tbk_wait wait = {};
	Owned<Counting> work; /* the queue goes before */
	u32 wanted = 1;	      /* queues itself until it has run so often */
	Atomic<u32> runs;
};

struct Mortal {
	struct tbk_work raw; /* first: found from it */
	Atomic<u32> *runs;
};

void run_and_die(struct tbk_work *raw)
{
	Mortal *mortal = reinterpret_cast<Mortal *>(raw);

	mortal->runs->fetch_add(1);
	tbk_free(mortal);
}

} // namespace

TBK_TEST(work_queued_twice_runs_once)
{
	Fixture fixture;

	REQUIRE(fixture.queue);
	tbk_work_queue_after(fixture.queue, &fixture.work->raw, 1);
	tbk_work_queue_after(fixture.queue, &fixture.work->raw, 1);
	fixture.wait_for_all();
	tbk_work_cancel(&fixture.work->raw);
	CHECK_EQ(fixture.runs.load_relaxed(), 1);
}

TBK_TEST(work_runs_again_if_queued_by_itself)
{
	Fixture fixture;

	REQUIRE(fixture.queue);
	fixture.wanted = 3;
	tbk_work_queue(fixture.queue, &fixture.work->raw);
	fixture.wait_for_all();
	CHECK_EQ(fixture.runs.load_relaxed(), 3);
}

TBK_TEST(cancelled_delay_never_runs)
{
	Fixture fixture;

	REQUIRE(fixture.queue);
	tbk_work_queue_after(fixture.queue, &fixture.work->raw, an_hour);
	tbk_work_cancel(&fixture.work->raw);
	tbk_work_cancel(&fixture.work->raw);
	CHECK_EQ(fixture.runs.load_relaxed(), 0);
}

TBK_TEST(shorter_delay_wins)
{
	Fixture fixture;
	const u64 start = tbk_now_ns();

	REQUIRE(fixture.queue);
	tbk_work_queue_after(fixture.queue, &fixture.work->raw, an_hour);
	tbk_work_queue_after(fixture.queue, &fixture.work->raw, 2);
	tbk_work_queue_after(fixture.queue, &fixture.work->raw, an_hour);
	fixture.wait_for_all();
	CHECK(tbk_now_ns() - start < u64(an_hour) * 1000);
	tbk_work_cancel(&fixture.work->raw);
	CHECK_EQ(fixture.runs.load_relaxed(), 1);
}

TBK_TEST(work_may_free_itself)
{
	Atomic<u32> runs;
	struct tbk_queue *queue = tbk_queue_create("test");
	auto *mortal = static_cast<Mortal *>(tbk_alloc(sizeof(Mortal), TBK_MAY_SLEEP));

	REQUIRE(queue && mortal);
	tbk_work_init(&mortal->raw, run_and_die);
	mortal->runs = &runs;
	tbk_work_queue(queue, &mortal->raw);
	tbk_queue_destroy(queue);
	CHECK_EQ(runs.load_relaxed(), 1);
}

TBK_TEST(destroy_waits_for_works_queued)
{
	Atomic<u32> runs;

	{
		Fixture fixture;
		REQUIRE(fixture.queue);
		fixture.wanted = 5;
		tbk_work_queue(fixture.queue, &fixture.work->raw);
		tbk_queue_destroy(fixture.queue);
		fixture.queue = nullptr;
		runs.store_relaxed(fixture.runs.load_relaxed());
	}
	CHECK_EQ(runs.load_relaxed(), 5);
}
