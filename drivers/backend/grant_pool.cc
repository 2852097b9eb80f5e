// SPDX-License-Identifier: GPL-2.0
#include "grant_pool.h"

namespace thinback {

GrantPool::~GrantPool()
{
	TBK_ASSERT(count_ == 0);
	free_.splice_all(shut_);
	while (free_.pop_front())
		;
	for (u32 i = 0; i < most_; i++)
		entries_[i].~Kept();
	tbk_big_free(entries_);
	tbk_big_free(buckets_);
}

Status GrantPool::init(u32 most)
{
	if (most == 0)
		return {};
	entries_ = static_cast<Kept *>(tbk_big_alloc(sizeof(Kept) * most));
	buckets_ = static_cast<Kept **>(tbk_big_alloc(sizeof(Kept *) * most));
	if (!entries_ || !buckets_)
		return Err::no_memory;
	most_ = bucket_count_ = most;
	for (u32 i = 0; i < most; i++)
		free_.push_back(*new (At{ &entries_[i] }) Kept);
	return {};
}

Kept *GrantPool::find(u32 ref)
{
	if (most_ == 0)
		return nullptr;
	for (Kept *entry = *bucket(ref); entry; entry = entry->next) {
		if (entry->grant.ref == ref)
			return entry;
	}
	return nullptr;
}

bool GrantPool::take(struct tbk_grant &grant)
{
	Kept *entry = find(grant.ref);

	if (!entry || !entry->is_idle)
		return false;
	idle_.remove(*entry);
	entry->is_idle = false;
	grant = entry->grant;
	return true;
}

bool GrantPool::keep(const struct tbk_grant &grant)
{
	if (most_ == 0 || find(grant.ref))
		return false;

	Kept *entry = free_.pop_front();

	if (!entry) {
		is_short_ = true;
		return false;
	}
	entry->grant = grant;
	entry->next = *bucket(grant.ref);
	*bucket(grant.ref) = entry;
	count_++;
	return true;
}

void GrantPool::give(const struct tbk_grant &grant, u64 now)
{
	Kept *entry = find(grant.ref);

	TBK_ASSERT(entry && !entry->is_idle);
	entry->since = now;
	entry->is_idle = true;
	idle_.push_back(*entry);
}

void GrantPool::unlink(Kept &entry)
{
	Kept **at = bucket(entry.grant.ref);

	while (*at != &entry)
		at = &(*at)->next;
	*at = entry.next;
	count_--;
}

void GrantPool::take_out(u64 before, Entries &out)
{
	u32 due = is_short_ ? most_ / 20 + 1 : 0;

	is_short_ = false;
	for (Kept *entry = idle_.first(), *next = nullptr; entry; entry = next) {
		if (due == 0 && entry->since >= before)
			return;
		next = idle_.next(*entry);
		/* A network may send it again: see Queue::set_aside(). */
		if (tbk_xen_grant_is_held(&entry->grant))
			continue;
		due -= due != 0 ? 1 : 0;
		idle_.remove(*entry);
		entry->is_idle = false;
		unlink(*entry);
		out.push_back(*entry);
	}
}

u32 GrantPool::shut()
{
	u32 count = 0;

	while (Kept *entry = free_.pop_front()) {
		shut_.push_back(*entry);
		count++;
	}
	return count;
}

void GrantPool::open(u32 entries)
{
	while (entries--)
		free_.push_back(*shut_.pop_front());
}

} // namespace thinback
