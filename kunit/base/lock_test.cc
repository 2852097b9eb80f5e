// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/lock.h>

#include "../harness/check.h"
#include "../harness/shared/worker.h"

using namespace thinback;

namespace {

template <typename Lock, typename Guard> class Counter {
public:
	explicit Counter(enum tbk_lock_rank rank) : lock_(rank) {}

	void add(int n) TBK_EXCLUDES(lock_)
	{
		Guard guard(lock_);
		add_locked(n);
	}

	int sum() TBK_EXCLUDES(lock_)
	{
		Guard guard(lock_);
		return sum_;
	}

private:
	void add_locked(int n) TBK_REQUIRES(lock_)
	{
		lock_.assert_held();
		sum_ += n;
	}

	Lock lock_;
	int sum_ TBK_GUARDED_BY(lock_) = 0;
};

template <typename Lock, typename Guard> int sum_of_two(enum tbk_lock_rank rank)
{
	Counter<Lock, Guard> counter(rank);

	counter.add(2);
	counter.add(3);
	return counter.sum();
}

bool can_take(Mutex &mutex)
{
	if (!mutex.try_lock())
		return false;
	mutex.unlock();
	return true;
}

} // namespace

TBK_TEST(spin_guard_holds_to_end_of_block)
{
	CHECK_EQ((sum_of_two<SpinLock, SpinGuard>(TBK_RANK_NODE_CACHE)), 5);
}

TBK_TEST(irq_guard_holds_to_end_of_block)
{
	CHECK_EQ((sum_of_two<IrqLock, IrqGuard>(TBK_RANK_RING)), 5);
}

TBK_TEST(mutex_guard_holds_to_end_of_block)
{
	CHECK_EQ((sum_of_two<Mutex, MutexGuard>(TBK_RANK_VOLUME)), 5);
}

TBK_TEST(try_lock_refuses_while_other_holds)
{
	struct Shared {
		Mutex mutex{ TBK_RANK_VOLUME };
		bool was_taken = true;
	} shared;
	const auto attempt = [](void *context) {
		Shared &seen = *static_cast<Shared *>(context);
		seen.was_taken = can_take(seen.mutex);
	};

	{
		MutexGuard guard(shared.mutex);
		REQUIRE(run_elsewhere(attempt, &shared));
	}
	CHECK(!shared.was_taken);
	CHECK(can_take(shared.mutex));
}
