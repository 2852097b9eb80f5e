// SPDX-License-Identifier: GPL-2.0
#include "recovery.h"

#include <thinback/base/scope.h>

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
Result<Volume *> Recovery::volume_of(u32 id)
{
	if (last_ && last_->id == id)
		return last_;
	MutexGuard guard(pool_.catalog().lock());
	Volume *volume = pool_.catalog().find_id(id);

	if (!volume || volume->is_snapshot() || volume->is_gone())
		return Err::bad_records;
	last_ = volume;
	return volume;
}

/* Those of its records that apply, and no more than @most; how many these were. */
Result<u64> Recovery::visit_block(const JournalReader &journal, const format::JournalBlock &block,
				  u64 most, Visit visit)
{
	u64 visited = 0;

	for (u32 i = 0; i < block.header.count.get() && visited < most; i++) {
		const format::JournalRecord &record = block.records[i];

		if (!journal.applies(record))
			continue;
		TBK_TRY((this->*visit)(record.volume.get(), TBK_TRY(read_record(record))));
		visited++;
	}
	return visited;
}

/* The first @most records that apply. */
Status Recovery::visit_all(JournalReader &journal, u64 most, Visit visit)
{
	journal.rewind();
	while (most > 0) {
		const format::JournalBlock *block = TBK_TRY(journal.next());

		if (!block)
			return {};
		most -= TBK_TRY(visit_block(journal, *block, most, visit));
	}
	return {};
}

/* Before any node is given a block that a record says holds data. */
Status Recovery::reserve(u32 id, const MapChange &change)
{
	const Volume *volume = TBK_TRY(volume_of(id));

	if (change.start + change.run.count > volume->size())
		return Err::bad_records;
	if (change.run.start)
		TBK_TRY(pool_.space().take_at(change.run));
	records_++;
	return {};
}

Status Recovery::collect(u32 id, const MapChange &change)
{
	batch_->add(id, change);
	return batch_->is_full() ? apply_batch() : Status();
}

Status Recovery::apply(Volume &volume, const ReplayBatch::Item &item, Moment moment)
{
	const VirtualBlock start(item.start);

	if (item.end() > volume.size())
		return Err::bad_records;
	if (item.run.start)
		return editor_->map(volume.tree, volume.usage, start, item.run, moment);
	return editor_->unmap(volume.tree, volume.usage, start, BlockCount(item.run.count), moment);
}

/* Neither left out, which would undo a flush, nor a reason to keep a pool from all its volumes. */
void Recovery::tell_given_up(const Volume &volume)
{
	const TreeEditor::GivenUp lost = editor_->take_given_up();

	if (lost.high == 0)
		return;
	tbk_log(TBK_LOG_ERROR,
		"%s/%s: its blocks %llu to %llu are lost and read as errors until they are written: node in block %llu: %s; a check --repair puts counts right",
		pool_.name(), volume.name.text, lost.low, lost.high - 1, lost.leaf.block,
		to_text(lost.why));
}

/* The items from @from on that are of the same volume; returns where those of the next one begin. */
Result<u32> Recovery::apply_volume(u32 from)
{
	const u32 id = (*batch_)[from].id;
	Volume &volume = *TBK_TRY(volume_of(id));
	MutexGuard guard(volume.lock);
	const Moment moment = pool_.checkpointer().begin_change(volume);
	const auto leave = defer([&] { editor_->leave(); });
	u32 i = from;

	editor_->give_up_leaves(volume.size());
	editor_->stay();
	for (; i < batch_->count() && (*batch_)[i].id == id; i++) {
		TBK_TRY(apply(volume, (*batch_)[i], moment));
		tell_given_up(volume);
	}
	volume.allowance.follow(volume.usage.own, 0, pool_.space());
	return i;
}

Status Recovery::apply_batch()
{
	batch_->sort();
	for (u32 i = 0; i < batch_->count();)
		i = TBK_TRY(apply_volume(i));
	batch_->clear();
	return {};
}

Status Recovery::reserve_all(JournalReader &journal)
{
	const Status reserved = visit_all(journal, ~0ull, &Recovery::reserve);

	if (!reserved.is_ok() && (!forgives_ || reserved.error() == Err::no_memory))
		return reserved;
	lost_ = reserved.error();
	return {};
}

Status Recovery::apply_all(JournalReader &journal)
{
	if (records_ == 0)
		return {};
	editor_ = TBK_TRY(make<ExtentEditor>(pool_.cache(), pool_.space()));
	batch_ = TBK_TRY(ReplayBatch::create());
	TBK_TRY(visit_all(journal, records_, &Recovery::collect));
	TBK_TRY(apply_batch());
	editor_->relax();
	tbk_log(TBK_LOG_INFO, "%s: %llu changes replayed from the journal", pool_.name(), records_);
	return {};
}

} // namespace thinback
