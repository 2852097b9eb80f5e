/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/list.h>
#include <thinback/base/lock.h>
#include <thinback/base/result.h>

namespace thinback {

/* What a disk would take for its rings, in pages. */
struct MemoryWish {
	u64 least = 0; /* without which it cannot work */
	u64 most = 0;  /* with which it does as it was set up to */
};

/*
 * How many pages of dom0 the disks of each guest have taken for their rings: a
 * guest has as many disks as it is given, but what they hold together has a
 * bound. One object for all guests.
 */
class GuestMemory {
public:
	/* One guest's, for as long as it has disks. */
	class Account {
	public:
		explicit Account(u32 domid) : domid_(domid) {}

	private:
		friend class GuestMemory;

		ListLink link_;
		const u32 domid_;
		u32 disks_ = 0;
		u64 taken_ = 0;
	};

	GuestMemory() = default;
	~GuestMemory() { TBK_ASSERT(accounts_.is_empty()); }
	GuestMemory(const GuestMemory &) = delete;
	GuestMemory &operator=(const GuestMemory &) = delete;

	/* For one disk. It is closed before the guest's domain number can be another's. */
	Result<Account *> open(u32 domid) TBK_EXCLUDES(lock_);
	void close(Account &account) TBK_EXCLUDES(lock_);

	/*
	 * Takes as much of @wish as there is room for below @bound. Of what is
	 * more than the least no disk gets more than half of what is left, so
	 * that one that comes later has some as well. 0 if not even that is left.
	 */
	u64 take(Account &account, const MemoryWish &wish, u64 bound) TBK_EXCLUDES(lock_);
	void give(Account &account, u64 pages) TBK_EXCLUDES(lock_);

private:
	using Accounts = List<Account, &Account::link_>;

	Mutex lock_{ TBK_RANK_GUESTS };
	Accounts accounts_ TBK_GUARDED_BY(lock_);
};

} // namespace thinback
