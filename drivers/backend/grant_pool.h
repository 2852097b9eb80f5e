/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/list.h>
#include <thinback/base/result.h>
#include <thinback/xen_platform.h>

namespace thinback {

/* A page of the guest's that stays mapped. */
struct Kept {
	ListLink link;	      /* free, idle, or taken out */
	Kept *next = nullptr; /* of the same bucket */
	struct tbk_grant grant {};
	u64 since = 0; /* when it was used last */
	bool is_idle = false;
};

/*
 * What a frontend promises to use again stays mapped from one request to the
 * next: so many pages at most, and when more are wanted, those go that were not
 * used for longest. It maps and unmaps nothing by itself; no locking.
 */
class GrantPool {
public:
	using Entries = List<Kept, &Kept::link>;

	GrantPool() = default;
	/* Empty: all is taken out and forgotten. */
	~GrantPool();
	GrantPool(const GrantPool &) = delete;
	GrantPool &operator=(const GrantPool &) = delete;

	/* Once. Without, it keeps nothing. */
	Status init(u32 most);

	/*
	 * Fills in @grant's page if it is kept and not in use. A guest may name a
	 * grant twice in one request: the second time it is mapped as any other.
	 */
	bool take(struct tbk_grant &grant);
	/* @grant, just mapped for writing, stays; in use. False if it cannot. */
	bool keep(const struct tbk_grant &grant);
	/* In use no more. */
	void give(const struct tbk_grant &grant, u64 now);

	/* Whether there was no room for one; until the next take_out(). */
	bool is_short() const { return is_short_; }
	/*
	 * Moves to @out what was not used since @before, and if short, a twentieth
	 * in any case; but nothing that somebody in dom0 still refers to.
	 */
	void take_out(u64 before, Entries &out);
	/* What was taken out, and is unmapped now. */
	void forget(Kept &entry) { free_.push_back(entry); }

	u32 count() const { return count_; }

	/* Nothing more is kept. Returns how many entries have no page and will get none. */
	u32 shut();
	/* Entries without pages have pages again. */
	void open(u32 entries);

private:
	Kept **bucket(u32 ref) { return &buckets_[ref % bucket_count_]; }
	Kept *find(u32 ref);
	void unlink(Kept &entry);

	Kept *entries_ = nullptr;
	Kept **buckets_ = nullptr;
	u32 most_ = 0;
	u32 bucket_count_ = 0;
	u32 count_ = 0; /* in buckets */
	bool is_short_ = false;
	Entries free_;
	Entries shut_; /* without a page */
	Entries idle_; /* the one used last is last */
};

} // namespace thinback
