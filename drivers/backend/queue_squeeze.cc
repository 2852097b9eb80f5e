// SPDX-License-Identifier: GPL-2.0
/*
 * When dom0 is short of memory. What is given away is counted out before, and
 * back in only when it is there: no request ever finds that a page is missing.
 */
#include "queue.h"

namespace thinback {
namespace {

/* Enough for one request of any size. */
constexpr u32 least_pages = 1 + xen::max_indirect_segments;

} // namespace

void Queue::squeeze()
{
	bool is_first = false;

	{
		IrqGuard guard(lock_);

		is_squeezed_ = true;
		is_first = become_tidier();
	}
	if (is_first)
		finish();
	const u32 count = spare_pages();

	if (count != 0)
		tbk_xen_pages_give(glue_, count);
}

/* Counts out what is not in use. */
u32 Queue::spare_pages()
{
	IrqGuard guard(lock_);

	const u32 spare = pages_left_ > least_pages ? pages_left_ - least_pages : 0;
	const u32 kept = kept_.shut();

	pages_left_ -= spare;
	given_ += spare;
	kept_given_ += kept;
	return spare + kept;
}

bool Queue::relax()
{
	u32 wanted = 0;

	{
		IrqGuard guard(lock_);

		is_squeezed_ = false;
		wanted = given_ + kept_given_;
	}
	return wanted == 0 || take_back(tbk_xen_pages_take(glue_, wanted));
}

/* For requests first. */
bool Queue::take_back(u32 count)
{
	bool is_wanted = false;
	bool is_all = false;

	{
		IrqGuard guard(lock_);
		const u32 some = min(count, given_);
		const u32 kept = min(count - some, kept_given_);

		given_ -= some;
		pages_left_ += some;
		kept_.open(kept);
		kept_given_ -= kept;
		is_all = given_ == 0 && kept_given_ == 0;
		is_wanted = is_thread_wanted();
	}
	if (is_wanted)
		tbk_xen_ring_wake(glue_);
	return is_all;
}

} // namespace thinback
