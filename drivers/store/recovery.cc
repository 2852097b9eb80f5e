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

/* Only volumes that the checkpoint knows are in the journal. They stay: nobody else is here yet. */
Result<Volume *> Recovery::volume_of(const format::JournalRecord &record)
{
	const u32 id = record.volume.get();

	if (last_ && last_->id == id)
		return last_;
	MutexGuard guard(pool_.catalog().lock());
	Volume *volume = pool_.catalog().find_id(id);

	if (!volume || volume->is_snapshot() || volume->is_gone())
		return Err::bad_records;
	last_ = volume;
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

Status Recovery::collect(Volume &volume, const MapChange &change)
{
	batch_->add(volume, volume.id, change);
	return batch_->is_full() ? apply_batch() : Status();
}

/* The volume's items from @from on; returns where those of the next one begin. */
Result<u32> Recovery::apply_to(Volume &volume, u32 from)
{
	MutexGuard guard(volume.lock);
	const Moment moment = pool_.checkpointer().begin_change(volume);
	u32 i = from;

	for (; i < batch_->count() && (*batch_)[i].volume == &volume; i++) {
		const ReplayBatch::Item &item = (*batch_)[i];
		const VirtualBlock start(item.start);

		if (item.run.start)
			TBK_TRY(editor_->map(volume.tree, volume.usage, start, item.run, moment));
		else
			TBK_TRY(editor_->unmap(volume.tree, volume.usage, start,
					       BlockCount(item.run.count), moment));
	}
	volume.allowance.follow(volume.usage.own, 0, pool_.space());
	return i;
}

Status Recovery::apply_batch()
{
	batch_->sort();
	for (u32 i = 0; i < batch_->count();)
		i = TBK_TRY(apply_to(*(*batch_)[i].volume, i));
	batch_->clear();
	return {};
}

Status Recovery::reserve_all(JournalReader &journal)
{
	const Status reserved = visit_all(journal, &Recovery::reserve);

	if (!reserved.is_ok() && (!forgives_ || reserved.error() == Err::no_memory))
		return reserved;
	lost_ = reserved.error();
	left_ = records_;
	return {};
}

Status Recovery::apply_all(JournalReader &journal)
{
	if (records_ == 0)
		return {};
	editor_ = TBK_TRY(make<ExtentEditor>(pool_.cache(), pool_.space()));
	batch_ = TBK_TRY(ReplayBatch::create());
	TBK_TRY(visit_all(journal, &Recovery::collect));
	TBK_TRY(apply_batch());
	editor_->relax();
	tbk_log(TBK_LOG_INFO, "%s: %llu changes replayed from the journal", pool_.name(), records_);
	return {};
}

} // namespace thinback
