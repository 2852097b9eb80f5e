// SPDX-License-Identifier: GPL-2.0
/* What a volume may take of the pool, and when little is left. Each durable when it returns. */
#include "pool.h"

namespace thinback {
namespace {

constexpr u64 block_bytes = format::block_size;

Result<u64> limit_in_blocks(const char *what, u64 bytes, Why *why)
{
	const u64 blocks = bytes / block_bytes + (bytes % block_bytes ? 1 : 0);

	if (blocks < format::end_of_keys)
		return blocks;
	TBK_EXPLAIN(why, "a %s cannot be of %llu bytes", what, bytes);
	return Err::bad_argument;
}

Status merge_policy(const struct tbk_volume_limits &asked, Limits &limits, Why *why)
{
	if (asked.on_full > static_cast<u32>(format::OnFull::pause) ||
	    asked.full_wait > format::longest_full_wait) {
		TBK_EXPLAIN(why, "a write can wait for 1 to %u seconds", format::longest_full_wait);
		TBK_HINT(why, "to let it wait without end: on-full=pause");
		return Err::bad_argument;
	}
	limits.on_full = static_cast<format::OnFull>(asked.on_full);
	limits.full_wait = asked.full_wait;
	return {};
}

Status merge_limits(const struct tbk_volume_limits &asked, Limits &limits, Why *why)
{
	if (asked.set & TBK_LIMIT_QUOTA)
		limits.quota = TBK_TRY(limit_in_blocks("quota", asked.quota, why));
	if (asked.set & TBK_LIMIT_RESERVE)
		limits.reserve = TBK_TRY(limit_in_blocks("reserve", asked.reserve, why));
	if (asked.set & TBK_LIMIT_ON_FULL)
		TBK_TRY(merge_policy(asked, limits, why));
	if (asked.set & TBK_LIMIT_DETECT_ZEROES)
		limits.detect_zeroes = asked.detect_zeroes != 0;
	if (limits.quota == 0 || limits.reserve <= limits.quota)
		return {};
	TBK_EXPLAIN(why, "a reserve of %llu bytes is of no use with a quota of %llu",
		    limits.reserve * block_bytes, limits.quota * block_bytes);
	TBK_HINT(why, "a quota of as much or more, or quota=none");
	return Err::bad_argument;
}

/* In MiB a second, as the superblock has it. */
u32 rate_of(u64 bytes)
{
	const u64 mib = bytes / (1 << 20) + (bytes % (1 << 20) ? 1 : 0);

	if (mib == 0 || mib >= format::no_discard_rate)
		return format::no_discard_rate;
	return static_cast<u32>(mib);
}

} // namespace

/* What more is to be kept has to be there; what is on its way back counts. */
Status Pool::require_free(const Volume &volume, const Limits &limits, Why *why)
{
	const u64 before = volume.allowance.limits().reserve;
	const u64 free = space_->free_for_data() + space_->freeing_blocks();
	const u64 others =
		space_->reserved() - min(space_->reserved(), volume.allowance.outstanding());
	const u64 left = free - min(free, others);
	const u64 own = volume.usage.own;

	if (limits.reserve <= before || limits.reserve <= own || limits.reserve - own <= left)
		return {};
	TBK_EXPLAIN(why, "%s/%s: %llu bytes more than it owns cannot be kept: %llu are free",
		    name_.text, volume.name.text, (limits.reserve - own) * block_bytes,
		    left * block_bytes);
	TBK_HINT(why, "a reserve of %llu or less, or more room in the pool: %s",
		 (own + left) * block_bytes, "remove something");
	return Err::no_space;
}

/* Writes in flight are let finish, so that what is held is what is owned. */
void Pool::apply_limits(Volume &volume, const Limits &limits)
{
	if (volume.io)
		volume.io->freeze();
	{
		MutexGuard guard(volume.lock);

		checkpointer_->begin_change(volume);
		volume.allowance.set(limits, volume.usage.own, *space_);
	}
	if (volume.io)
		volume.io->thaw();
}

/* They are the name's, whatever tree bears it. */
void Pool::move_limits(Volume &from, Volume &to)
{
	const Limits limits = from.allowance.limits();

	apply_limits(from, {});
	apply_limits(to, limits);
}

Status Pool::limit(const char *volume, const struct tbk_volume_limits &asked, Why *why)
{
	TBK_TRY(may_change(why));
	{
		MutexGuard guard(catalog_->lock());
		Volume *found = TBK_TRY(require(volume, nullptr, why));
		Limits limits = found->allowance.limits();

		TBK_TRY(merge_limits(asked, limits, why));
		{
			MutexGuard volume_guard(found->lock);

			TBK_TRY(require_free(*found, limits, why));
		}
		apply_limits(*found, limits);
	}
	/* For those who wait all may be different now. */
	watch_.space_came();
	return sync();
}

Status Pool::set_marks(u32 low, u32 critical, Why *why)
{
	constexpr u32 most = 990;

	TBK_TRY(may_change(why));
	{
		MutexGuard guard(catalog_->lock());
		const Marks now = watch_.marks();
		const Marks then = { low ? low : now.low, critical ? critical : now.critical };

		if (then.low > most || then.critical > then.low) {
			TBK_EXPLAIN(
				why,
				"pool %s cannot be low below %u.%u %% and critical below %u.%u %%",
				name_.text, then.low / 10, then.low % 10, then.critical / 10,
				then.critical % 10);
			TBK_HINT(why, "critical is at most as much as low, and that at most 99 %%");
			return Err::bad_argument;
		}
		watch_.set_marks(then.low, then.critical);
		checkpointer_->set_marks(static_cast<u16>(then.low),
					 static_cast<u16>(then.critical));
		checkpointer_->begin_structural(*catalog_);
	}
	watch_.look();
	return sync();
}

/* What has been freed and waits to be swept is swept by the new one. */
Status Pool::set_policy(const struct tbk_pool_policy &asked, Why *why)
{
	TBK_TRY(may_change(why));
	{
		MutexGuard guard(catalog_->lock());
		SweepPolicy policy = sweeper_.policy();
		const auto turn = [&](u32 flag, u32 what, u32 on) {
			if (asked.set & flag)
				policy.what = (policy.what & ~what) | (on ? what : 0);
		};

		turn(TBK_POLICY_DISCARD, format::policy_discard, asked.discard);
		turn(TBK_POLICY_SCRUB_FREED, format::policy_scrub_freed, asked.scrub_freed);
		if (asked.set & TBK_POLICY_DISCARD_RATE)
			policy.rate = rate_of(asked.discard_rate);
		TBK_TRY(sweeper_.set(policy));
		checkpointer_->set_policy(policy.what, policy.rate);
		checkpointer_->begin_structural(*catalog_);
	}
	sweeper_.kick();
	return sync();
}

namespace {

Status check_range(const char *what, u64 bytes, u64 least, u64 most, Why *why)
{
	if (bytes == 0 || (bytes >= least && bytes <= most))
		return {};
	TBK_EXPLAIN(why, "%s cannot be %llu bytes", what, bytes);
	TBK_HINT(why, "from %llu to %llu, or 0 for the default", least, most);
	return Err::bad_argument;
}

} // namespace

Status Pool::scrub(u32 flags, Why *why)
{
	if (flags & ~TBK_SCRUB_STOP) {
		TBK_EXPLAIN(why, "a scrub is started or stopped, nothing else");
		return Err::bad_argument;
	}
	if (flags & TBK_SCRUB_STOP)
		scrubber_->halt();
	else
		scrubber_->start();
	return {};
}

/* All or nothing. */
Status Pool::tune(const struct tbk_pool_tuning &asked, Why *why)
{
	constexpr u64 block = format::block_size;
	constexpr u64 most_cache = 1ull << 40;
	const u64 journal = space_->geometry().journal_blocks * block;

	if (asked.set & TBK_TUNE_CACHE)
		TBK_TRY(check_range("cache_limit", asked.cache, NodeCache::least_bytes, most_cache,
				    why));
	if (asked.set & TBK_TUNE_DIRTY)
		TBK_TRY(check_range("dirty_limit", asked.dirty, block, most_cache, why));
	if (asked.set & TBK_TUNE_JOURNAL)
		TBK_TRY(check_range("journal_limit", asked.journal, block, journal, why));
	if (asked.set & TBK_TUNE_SCRUB)
		TBK_TRY(check_range("scrub_rate", asked.scrub_rate, block, ~0ull, why));
	if (asked.set & TBK_TUNE_SCRUB)
		scrubber_->set_rate(asked.scrub_rate);
	if (asked.set & TBK_TUNE_REMOVE)
		cleaner_->pace().set_rate(asked.remove_rate);
	if (asked.set & TBK_TUNE_CACHE) {
		cache_->set_limit_bytes(asked.cache ? asked.cache : NodeCache::default_bytes());
		cache_->trim();
	}
	if (asked.set & TBK_TUNE_DIRTY)
		checkpointer_->set_dirty_limit(asked.dirty);
	if (asked.set & TBK_TUNE_JOURNAL)
		journal_->set_limit(asked.journal);
	/* What is dirty by now may be more than what was set; a checkpoint of nothing is none. */
	checkpointer_->request();
	return {};
}

} // namespace thinback
