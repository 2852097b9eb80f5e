// SPDX-License-Identifier: GPL-2.0
#include "allowance.h"

namespace thinback {

void Allowance::set(const Limits &limits, u64 own, Space &space)
{
	const u64 before = outstanding();

	quota_.store_relaxed(limits.quota);
	reserve_.store_relaxed(limits.reserve);
	on_full_.store_relaxed(static_cast<u32>(limits.on_full));
	full_wait_.store_relaxed(limits.full_wait);
	detect_zeroes_.store_relaxed(limits.detect_zeroes);
	counted_.store_relaxed(limits.quota || limits.reserve);
	reached_.store_relaxed(none);
	held_.store_release(own);
	own_ = own;
	space.reserve(outstanding() - before);
}

Limits Allowance::limits() const
{
	return { quota_.load_relaxed(), reserve_.load_relaxed(), on_full(),
		 full_wait_.load_relaxed(), detects_zeroes() };
}

u64 Allowance::left() const
{
	const u64 quota = quota_.load_relaxed();
	const u64 held = held_.load_relaxed();

	if (quota == 0)
		return ~0ull;
	return held < quota ? quota - held : 0;
}

u64 Allowance::missing(u64 held) const
{
	const u64 reserve = reserve_.load_relaxed();

	return held < reserve ? reserve - held : 0;
}

/*
 * Returns what was held before. `held` moves first: who looks between the two,
 * and reads the pool's sum first, sees too much kept, never too little.
 */
u64 Allowance::move_by(u64 delta, Space &space)
{
	const u64 before = held_.fetch_add(delta);
	const u64 moved = missing(before + delta) - missing(before);

	if (moved != 0)
		space.reserve(moved);
	return before;
}

/*
 * Who goes past the quota takes back just what is past it, so those who look
 * meanwhile, and find nothing left, are right.
 */
u32 Allowance::claim(u32 count, Space &space)
{
	const u64 quota = quota_.load_relaxed();
	const u64 before = move_by(count, space);

	if (quota == 0 || before + count <= quota)
		return count;
	const u32 within = before < quota ? static_cast<u32>(quota - before) : 0;

	unclaim(count - within, space);
	return within;
}

void Allowance::unclaim(u32 count, Space &space)
{
	move_by(0ull - count, space);
}

void Allowance::follow(u64 own, u64 mapped, Space &space)
{
	if (!is_counted())
		return;
	const u64 delta = own - own_ - mapped;

	own_ = own;
	if (delta == 0)
		return;
	move_by(delta, space);
	if (left() > 0)
		reached_.store_relaxed(none);
}

u64 Allowance::wait_ns() const
{
	const u32 seconds = full_wait_.load_relaxed();

	return (seconds ? seconds : format::default_full_wait) * 1000000000ull;
}

} // namespace thinback
