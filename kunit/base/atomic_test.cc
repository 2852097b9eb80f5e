// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/atomic.h>

#include "../harness/check.h"

using namespace thinback;

TBK_TEST(compare_exchange_reports_what_was_there)
{
	Atomic<u64> value(5);
	u64 expected = 4;

	CHECK(!value.compare_exchange(expected, 9));
	CHECK_EQ(expected, 5);
	CHECK(value.compare_exchange(expected, 9));
	CHECK_EQ(value.load_relaxed(), 9);
}

TBK_TEST(fetch_functions_return_value_before)
{
	Atomic<u32> value(6);

	CHECK_EQ(value.fetch_add(4), 6);
	CHECK_EQ(value.fetch_sub(2), 10);
	CHECK_EQ(value.fetch_or(1), 8);
	CHECK_EQ(value.fetch_and(1), 9);
	CHECK_EQ(value.exchange(3), 1);
	CHECK_EQ(value.load_acquire(), 3);
}

TBK_TEST(read_once_sees_write_once)
{
	u32 shared = 0;

	write_once(shared, 7u);
	CHECK_EQ(read_once(shared), 7);
}

TBK_TEST(seqcount_accepts_undisturbed_read)
{
	SeqCount seq;

	{
		SeqWriteGuard writing(seq);
	}
	const u32 seen = seq.read_begin();
	CHECK(!SeqCount::is_busy(seen));
	CHECK(!seq.read_retry(seen));
}

TBK_TEST(seqcount_rejects_read_begun_during_write)
{
	SeqCount seq;

	seq.write_begin();
	const u32 seen = seq.read_begin();
	CHECK(SeqCount::is_busy(seen));
	CHECK(seq.read_retry(seen));
	seq.write_end();
	CHECK(seq.read_retry(seen));
}

TBK_TEST(seqcount_rejects_read_with_write_between)
{
	SeqCount seq;

	const u32 seen = seq.read_begin();
	{
		SeqWriteGuard writing(seq);
		CHECK(seq.read_retry(seen));
	}
	CHECK(seq.read_retry(seen));
}
