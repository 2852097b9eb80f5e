/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/xen_entry.h>

namespace thinback {

/* What a disk's rings have done, for as long as there is the disk. Any context. */
class Counters {
public:
	/* Those of one ring, or of a few that share a cache line. */
	struct alignas(64) Share {
		Atomic<u64> out_of_requests;
		Atomic<u64> limited;
		Atomic<u64> reads;
		Atomic<u64> writes;
		Atomic<u64> flushes;
		Atomic<u64> discards;
		Atomic<u64> sectors_read;
		Atomic<u64> sectors_written;
	};

	Share &share(u32 ring) { return shares_[ring % shares]; }

	void read(struct tbk_vbd_stats &stats) const
	{
		stats = {};
		for (const Share &one : shares_) {
			stats.out_of_requests += one.out_of_requests.load_relaxed();
			stats.limited += one.limited.load_relaxed();
			stats.reads += one.reads.load_relaxed();
			stats.writes += one.writes.load_relaxed();
			stats.flushes += one.flushes.load_relaxed();
			stats.discards += one.discards.load_relaxed();
			stats.sectors_read += one.sectors_read.load_relaxed();
			stats.sectors_written += one.sectors_written.load_relaxed();
		}
	}

private:
	static constexpr u32 shares = 8;

	Share shares_[shares];
};

} // namespace thinback
