// SPDX-License-Identifier: GPL-2.0
#include "disk_memory.h"

#include "queue.h"

namespace thinback {
namespace {

/* Any one request can be done with these. */
constexpr u32 least_mapped = 1 + xen::max_indirect_segments;

/* What is remembered of a page that stays mapped. */
constexpr u64 kept_bytes = sizeof(Kept) + sizeof(Kept *);

constexpr u64 to_pages(u64 bytes)
{
	return (bytes + xen::page_size - 1) / xen::page_size;
}

/* How many may stay mapped if that may take @pages. */
u32 kept_in(u64 pages)
{
	return static_cast<u32>(pages * xen::page_size / (xen::page_size + kept_bytes));
}

} // namespace

DiskMemory::~DiskMemory()
{
	give();
	if (account_)
		guests_->close(*account_);
}

Status DiskMemory::init(GuestMemory &guests, u32 domid)
{
	guests_ = &guests;
	account_ = TBK_TRY(guests.open(domid));
	return {};
}

bool DiskMemory::take(const FrontendFeatures &features, const RingPages &wish, u64 bound)
{
	const u64 fixed = to_pages(Queue::fixed_bytes(features)) + features.ring_pages;
	const u64 kept = features.is_persistent ? wish.kept : 0;
	const MemoryWish all = {
		.least = features.queues * (fixed + least_mapped),
		.most = features.queues *
			(fixed + wish.mapped + kept + to_pages(kept * kept_bytes)),
	};

	TBK_ASSERT(taken_ == 0 && wish.mapped >= least_mapped);
	need_ = all.least;
	taken_ = guests_->take(*account_, all, bound);
	if (taken_ == 0)
		return false;

	const u64 rest = taken_ / features.queues - fixed;

	is_short_ = taken_ < all.most;
	ring_.mapped = static_cast<u32>(min<u64>(wish.mapped, rest));
	ring_.kept = min(static_cast<u32>(kept), kept_in(rest - ring_.mapped));
	return true;
}

void DiskMemory::give()
{
	if (taken_ != 0)
		guests_->give(*account_, taken_);
	taken_ = 0;
}

} // namespace thinback
