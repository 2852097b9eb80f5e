// SPDX-License-Identifier: GPL-2.0
#include "record_log.h"

#include <thinback/format/node.h>

namespace thinback {

/* What a checkpoint holds needs no journal. */
void RecordLog::forget_durable(u64 durable)
{
	const u64 end = added_.load_relaxed();

	while (taken_ < end && at(taken_).epoch <= durable) {
		taken_++;
		is_peeked_ = false;
	}
}

/* True if it could be made part of the one before, as when writing in sequence. */
bool RecordLog::append(const MapChange &change)
{
	const u64 end = added_.load_relaxed();

	if (end == taken_ || (is_peeked_ && end == taken_ + 1))
		return false;
	MapChange &last = at(end - 1);
	const bool goes_on = last.run.start == 0
				     ? change.run.start == 0
				     : change.run.start == last.run.start + last.run.count;

	if (!goes_on || last.epoch != change.epoch || change.start != last.start + last.run.count ||
	    u64(last.run.count) + change.run.count > format::max_extent)
		return false;
	last.run.count += change.run.count;
	return true;
}

void RecordLog::add(const MapChange &change, u64 durable)
{
	if (change.epoch <= dropped())
		return;
	if (!records_) {
		records_ = static_cast<MapChange *>(tbk_big_alloc(capacity * sizeof(MapChange)));
		if (!records_) {
			drop(change.epoch);
			return;
		}
	}
	{
		SpinGuard guard(lock_);

		if (append(change))
			return;
		const u64 end = added_.load_relaxed();

		if (end - taken_ == capacity)
			forget_durable(durable);
		if (end - taken_ < capacity) {
			at(end) = change;
			added_.store_release(end + 1);
			return;
		}
	}
	drop(change.epoch);
}

void RecordLog::drop(u64 epoch)
{
	SpinGuard guard(lock_);

	if (epoch > dropped_.load_relaxed())
		dropped_.store_release(epoch);
	/* Waiters that come later look at `dropped` first. */
	taken_ = added_.load_relaxed();
	is_peeked_ = false;
}

bool RecordLog::peek(u64 durable, MapChange &next)
{
	SpinGuard guard(lock_);

	forget_durable(durable);
	if (taken_ == added_.load_relaxed())
		return false;
	next = at(taken_);
	is_peeked_ = true;
	return true;
}

void RecordLog::take()
{
	SpinGuard guard(lock_);

	/* Dropped meanwhile: what was copied does no harm. */
	if (!is_peeked_)
		return;
	is_peeked_ = false;
	taken_++;
}

void RecordLog::commit()
{
	SpinGuard guard(lock_);

	committed_.store_release(taken_);
}

} // namespace thinback
