/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "journal_reader.h"
#include "record_log.h"
#include "replay_batch.h"
#include "volume.h"

namespace thinback {

class Pool;

/* bad_records if it makes no sense by itself. The epoch's low half is all that is known. */
Result<MapChange> read_record(const format::JournalRecord &record);

/*
 * Brings the volumes of a pool that is being opened to what flushes have made
 * durable after its last checkpoint. Changes memory alone: cut off at any
 * moment, it is done again at the next open.
 */
class Recovery {
public:
	explicit Recovery(Pool &pool) : pool_(pool) {}
	Recovery(const Recovery &) = delete;
	Recovery &operator=(const Recovery &) = delete;

	/* What cannot be replayed ends the journal: for a repair, which tells by lost(). */
	void forgive() { forgives_ = true; }
	Err lost() const { return lost_; }

	/*
	 * First takes the blocks that it maps out of the free ones, then changes the
	 * volumes. No checkpoint is taken meanwhile. Sleep.
	 */
	Status reserve_all(JournalReader &journal);
	Status apply_all(JournalReader &journal);

	u64 records() const { return records_; }

private:
	using Visit = Status (Recovery::*)(u32 id, const MapChange &);

	Result<u64> visit_block(const JournalReader &journal, const format::JournalBlock &block,
				u64 most, Visit visit);
	Status visit_all(JournalReader &journal, u64 most, Visit visit);
	Result<Volume *> volume_of(u32 id);
	Status reserve(u32 id, const MapChange &change);
	Status collect(u32 id, const MapChange &change);
	Status apply(Volume &volume, const ReplayBatch::Item &item, Moment moment)
		TBK_REQUIRES(volume.lock);
	Result<u32> apply_volume(u32 from);
	void tell_given_up(const Volume &volume);
	Status apply_batch();

	Pool &pool_;
	Owned<ExtentEditor> editor_;
	Owned<ReplayBatch> batch_;
	Volume *last_ = nullptr; /* that was asked for */
	u64 records_ = 0;	 /* that were reserved, and may be applied */
	bool forgives_ = false;
	Err lost_ = Err::ok;
};

} // namespace thinback
