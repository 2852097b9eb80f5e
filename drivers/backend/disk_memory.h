/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "../vbd/features.h"
#include "guest_memory.h"

namespace thinback {

/* What a ring may have of its guest's pages; see QueuePlan. */
struct RingPages {
	u32 mapped = 0; /* at once, for requests */
	u32 kept = 0;	/* that stay mapped, besides */
};

/* A disk's part of what all disks of its guest may take. One thread at a time. */
class DiskMemory {
public:
	DiskMemory() = default;
	~DiskMemory();
	DiskMemory(const DiskMemory &) = delete;
	DiskMemory &operator=(const DiskMemory &) = delete;

	/* Once. @guests stays. */
	Status init(GuestMemory &guests, u32 domid);

	/*
	 * For the rings of @features, each of them with @wish, or with less. False
	 * if all that may be taken, @bound, does not leave room even for rings that
	 * can do one request at a time; need() says then how many pages that are.
	 */
	bool take(const FrontendFeatures &features, const RingPages &wish, u64 bound);
	/* The rings are gone. */
	void give();

	/* What each ring has. */
	const RingPages &ring() const { return ring_; }
	u64 need() const { return need_; }
	/* Is it less than was wished? */
	bool is_short() const { return is_short_; }

private:
	GuestMemory *guests_ = nullptr;
	GuestMemory::Account *account_ = nullptr;
	u64 taken_ = 0;
	u64 need_ = 0;
	RingPages ring_;
	bool is_short_ = false;
};

} // namespace thinback
