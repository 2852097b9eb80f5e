// SPDX-License-Identifier: GPL-2.0
#include "recovery.h"

#include "pool.h"

namespace thinback {

Result<MapChange> read_record(const format::JournalRecord &record)
{
	const u64 target = record.target.get();
	const u64 kind = target >> 48;
	MapChange change;

	change.start = record.place.get() >> 24;
	change.run.count = record.place.get() & 0xffffff;
	change.run.start = target & format::low_48;
	change.epoch = record.epoch.get();
	if (change.run.count == 0)
		return Err::bad_records;
	if (change.run.start != 0 ? kind != static_cast<u64>(format::JournalKind::map)
				  : kind != static_cast<u64>(format::JournalKind::unmap))
		return Err::bad_records;
	return change;
}

/* Only volumes that the checkpoint knows are in the journal. */
Result<Volume *> Recovery::volume_of(const format::JournalRecord &record)
{
	MutexGuard guard(pool_.catalog().lock());
	Volume *volume = pool_.catalog().find_id(record.volume.get());

	if (!volume || volume->is_snapshot() || volume->is_gone())
		return Err::bad_records;
	return volume;
}

Status Recovery::visit_all(JournalReader &journal, Visit visit)
{
	journal.rewind();
	while (left_ > 0) {
		const format::JournalBlock *block = TBK_TRY(journal.next());

		if (!block)
			return {};
		for (u32 i = 0; i < block->header.count.get() && left_ > 0; i++) {
			if (!journal.applies(block->records[i]))
				continue;
			const MapChange change = TBK_TRY(read_record(block->records[i]));
			Volume *volume = TBK_TRY(volume_of(block->records[i]));

			if (change.start + change.run.count > volume->size())
				return Err::bad_records;
			TBK_TRY((this->*visit)(*volume, change));
			left_--;
		}
	}
	return {};
}

/* Before any node is given a block that a record says holds data. */
Status Recovery::reserve(Volume &, const MapChange &change)
{
	if (change.run.start)
		TBK_TRY(pool_.space().take_at(change.run));
	records_++;
	return {};
}

Status Recovery::apply(Volume &volume, const MapChange &change)
{
	MutexGuard guard(volume.lock);
	const Moment moment = pool_.checkpointer().begin_change(volume);
	const VirtualBlock start(change.start);

	if (change.run.start)
		return editor_->map(volume.tree, volume.usage, start, change.run, moment);
	return editor_->unmap(volume.tree, volume.usage, start, BlockCount(change.run.count),
			      moment);
}

Status Recovery::run(JournalReader &journal)
{
	const Status reserved = visit_all(journal, &Recovery::reserve);

	if (!reserved.is_ok() && (!forgives_ || reserved.error() == Err::no_memory))
		return reserved;
	lost_ = reserved.error();
	left_ = records_;
	if (records_ == 0)
		return {};
	editor_ = TBK_TRY(make<ExtentEditor>(pool_.cache(), pool_.space()));
	TBK_TRY(visit_all(journal, &Recovery::apply));
	editor_->relax();
	tbk_log(TBK_LOG_INFO, "%s: %llu changes replayed from the journal", pool_.name(), records_);
	return {};
}

} // namespace thinback
