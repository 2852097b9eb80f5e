/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/lock.h>
#include <thinback/base/result.h>

#include "group.h"

namespace thinback {

/* A change of a volume's map: blocks from @start on went to @run, or nowhere if that starts at 0. */
struct MapChange {
	u64 start = 0;
	Run run;
	u64 epoch = 0;
};

/*
 * What has changed in an open volume's map and is not yet known to be on disk,
 * for the journal to write if a flush asks for it. Bounded: what finds no room
 * is dropped, and a flush waits for the checkpoint that holds it.
 */
class RecordLog {
public:
	static constexpr u32 capacity = 1024;

	/* Changes up to epoch @before are in no log. */
	explicit RecordLog(u64 before) : dropped_(before) {}
	~RecordLog() { tbk_big_free(records_); }
	RecordLog(const RecordLog &) = delete;
	RecordLog &operator=(const RecordLog &) = delete;

	/*
	 * Around a change and its add() or drop(): what others can see of the map
	 * already is not told yet. The caller holds the volume's lock.
	 */
	void begin_change() { changing_.store_release(1); }
	void end_change() { changing_.store_release(0); }
	bool is_changing() const { return changing_.load_acquire() != 0; }

	/* The caller holds the volume's lock. @durable: the last checkpoint. May sleep. */
	void add(const MapChange &change, u64 durable) TBK_EXCLUDES(lock_);
	/* Changes up to @epoch cannot all be told: none is. */
	void drop(u64 epoch) TBK_EXCLUDES(lock_);

	/* How many were added; how many of these are durable, in the journal or in a checkpoint. */
	u64 added() const { return added_.load_acquire(); }
	u64 committed() const { return committed_.load_acquire(); }
	/* A flush has to wait for the checkpoint of this epoch. */
	u64 dropped() const { return dropped_.load_acquire(); }

	/* For the journal alone: the next one, of a later epoch than @durable; false when there is none. */
	bool peek(u64 durable, MapChange &next) TBK_EXCLUDES(lock_);
	/* ... has been copied. */
	void take() TBK_EXCLUDES(lock_);
	/* All that was taken is durable. */
	void commit() TBK_EXCLUDES(lock_);

private:
	MapChange &at(u64 number) TBK_REQUIRES(lock_) { return records_[number % capacity]; }
	bool append(const MapChange &change) TBK_REQUIRES(lock_);
	void forget_durable(u64 durable) TBK_REQUIRES(lock_);

	SpinLock lock_{ TBK_RANK_RECORDS };
	MapChange *records_ = nullptr; /* made by the first add(), which the volume's lock guards */
	u64 taken_ TBK_GUARDED_BY(lock_) = 0;
	bool is_peeked_ TBK_GUARDED_BY(lock_) = false; /* the next one may be in a copy */
	Atomic<u8> changing_;
	Atomic<u64> added_;
	Atomic<u64> committed_;
	Atomic<u64> dropped_;
};

} // namespace thinback
