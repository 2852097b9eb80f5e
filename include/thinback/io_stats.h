/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/result.h>
#include <thinback/base/types.h>
#include <thinback/entry.h>

namespace thinback {

/*
 * What has ended, and how long it took: for each request two counters of this
 * CPU's are written. Any context, but for init() and the end.
 */
class IoStats {
public:
	IoStats() = default;
	~IoStats() { tbk_counters_destroy(counters_); }
	IoStats(const IoStats &) = delete;
	IoStats &operator=(const IoStats &) = delete;

	/* Once it has succeeded, does nothing. Sleeps. */
	Status init()
	{
		if (!counters_)
			counters_ = tbk_counters_create(TBK_STAT_COUNT * of_a_kind);
		return counters_ ? Status() : Err::no_memory;
	}

	void ended(enum tbk_stat kind, u64 ns, u64 bytes, bool is_good)
	{
		const u32 first = kind * of_a_kind;

		tbk_counters_add(counters_, first + latency + bucket_of(ns), 1);
		if (!is_good)
			tbk_counters_add(counters_, first + errors, 1);
		else if (bytes != 0)
			tbk_counters_add(counters_, first + good_bytes, bytes);
	}

	/* Zeros before init(). */
	void read(enum tbk_stat kind, struct tbk_op_stats &stats) const
	{
		const u32 first = kind * of_a_kind;

		stats = {};
		if (!counters_)
			return;
		stats.bytes = tbk_counters_sum(counters_, first + good_bytes);
		stats.errors = tbk_counters_sum(counters_, first + errors);
		for (u32 i = 0; i < TBK_LATENCY_BUCKETS; i++)
			stats.latency[i] = tbk_counters_sum(counters_, first + latency + i);
	}

	static constexpr u32 bucket_of(u64 ns)
	{
		const u64 us = ns / 1000;
		const u32 bits = us ? 64 - static_cast<u32>(__builtin_clzll(us)) : 0;

		return bits < TBK_LATENCY_BUCKETS ? bits : TBK_LATENCY_BUCKETS - 1;
	}

private:
	/* What there is of each kind, in this order. */
	static constexpr u32 good_bytes = 0;
	static constexpr u32 errors = 1;
	static constexpr u32 latency = 2;
	static constexpr u32 of_a_kind = latency + TBK_LATENCY_BUCKETS;

	struct tbk_counters *counters_ = nullptr;
};

} // namespace thinback
