// SPDX-License-Identifier: GPL-2.0
#include "guest_memory.h"

#include <thinback/base/owned.h>

namespace thinback {

Result<GuestMemory::Account *> GuestMemory::open(u32 domid)
{
	MutexGuard guard(lock_);
	Account *account = accounts_.first();

	while (account && account->domid_ != domid)
		account = accounts_.next(*account);
	if (!account) {
		account = TBK_TRY(make<Account>(domid)).release();
		accounts_.push_back(*account);
	}
	account->disks_++;
	return account;
}

void GuestMemory::close(Account &account)
{
	MutexGuard guard(lock_);

	if (--account.disks_ != 0)
		return;
	TBK_ASSERT(account.taken_ == 0);
	accounts_.remove(account);
	Owned<Account>::adopt(&account).reset();
}

u64 GuestMemory::take(Account &account, const MemoryWish &wish, u64 bound)
{
	MutexGuard guard(lock_);
	const u64 left = bound > account.taken_ ? bound - account.taken_ : 0;

	if (left < wish.least)
		return 0;
	const u64 pages = min(wish.most, wish.least + (left - wish.least) / 2);

	account.taken_ += pages;
	return pages;
}

void GuestMemory::give(Account &account, u64 pages)
{
	MutexGuard guard(lock_);

	TBK_ASSERT(pages <= account.taken_);
	account.taken_ -= pages;
}

} // namespace thinback
