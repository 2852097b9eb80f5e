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
	using Visit = Status (Recovery::*)(Volume &, const MapChange &);

	Status visit_all(JournalReader &journal, Visit visit);
	Result<Volume *> volume_of(const format::JournalRecord &record);
	Status reserve(Volume &volume, const MapChange &change);
	Status collect(Volume &volume, const MapChange &change);
	Result<u32> apply_to(Volume &volume, u32 from);
	Status apply_batch();

	Pool &pool_;
	Owned<ExtentEditor> editor_;
	Owned<ReplayBatch> batch_;
	Volume *last_ = nullptr; /* of the record before */
	u64 records_ = 0;
	u64 left_ = ~0ull; /* records that the pass at hand may visit */
	bool forgives_ = false;
	Err lost_ = Err::ok;
};

} // namespace thinback
