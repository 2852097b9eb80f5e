// SPDX-License-Identifier: GPL-2.0
/* What happens when pieces end: responses, and mappings for data that is down. */
#include <thinback/base/container.h>

#include "pool.h"
#include "traced.h"
#include "volume_io.h"

namespace thinback {

/* Context: any. */
void VolumeIo::piece_ended(Piece &piece, Err err)
{
	RequestState &state = *piece.owner;

	if (err != Err::ok)
		fail(state, err);
	if (&piece != &state.first)
		drop_piece(piece);
	put(state);
}

void VolumeIo::piece_done(struct tbk_io *io)
{
	Piece &piece = container_of<&Piece::io>(io);

	piece.owner->volume->piece_ended(piece, io->error ? from_errno(io->error) : Err::ok);
}

/*
 * The data is down; to map it takes a thread. That is queued under the lock: once
 * the piece can be found it may be mapped by a run before, the request be over,
 * and the volume closed.
 */
void VolumeIo::mapped_piece_written(struct tbk_io *io)
{
	Piece &piece = container_of<&Piece::io>(io);
	VolumeIo &self = *piece.owner->volume;

	IrqGuard guard(self.lock_);

	self.written_.push_back(piece);
	tbk_work_queue(self.pool_.queue(), &self.map_work_);
}

void VolumeIo::run_map(struct tbk_work *work)
{
	container_of<&VolumeIo::map_work_>(work).map_written();
}

Result<ExtentEditor *> VolumeIo::editor()
{
	if (!editor_) {
		editor_ = TBK_TRY(make<ExtentEditor>(pool_.cache(), pool_.space()));
		editor_->set_spare(ExtentEditor::spare_of_changes);
	}
	return editor_.get();
}

void VolumeIo::relax()
{
	if (editor_)
		editor_->relax();
}

Status VolumeIo::map_one(u64 start, Run run)
{
	auto edit = editor();

	if (!edit.is_ok() || pool_.checkpointer().has_failed()) {
		give_space_back(run);
		return edit.is_ok() ? Err::pool_failed : edit.error();
	}
	const Moment moment = pool_.checkpointer().begin_change(volume_);

	log_.begin_change();
	const Status mapped =
		edit.value()->map(volume_.tree, volume_.usage, VirtualBlock(start), run, moment);

	volume_.allowance.follow(volume_.usage.own, run.count, pool_.space());
	note(start, run, moment, mapped);
	return mapped;
}

Status VolumeIo::unmap(u64 first, u64 count)
{
	ExtentEditor *edit = TBK_TRY(editor());

	if (pool_.checkpointer().has_failed())
		return Err::pool_failed;
	const Moment moment = pool_.checkpointer().begin_change(volume_);

	log_.begin_change();
	/* It may take nodes and give back no block, as often as a guest likes. */
	edit->set_spare(ExtentEditor::spare_of_drops);
	const Status unmapped = edit->unmap(volume_.tree, volume_.usage, VirtualBlock(first),
					    BlockCount(count), moment);

	edit->set_spare(ExtentEditor::spare_of_changes);
	volume_.allowance.follow(volume_.usage.own, 0, pool_.space());
	look_again();
	note(first, { 0, static_cast<u32>(count) }, moment, unmapped);
	return unmapped;
}

/* What went wrong half way is for a checkpoint to hold. */
void VolumeIo::note(u64 start, Run run, Moment moment, Status changed)
{
	if (changed.is_ok())
		log_.add({ start, run, moment.epoch }, pool_.checkpointer().durable());
	else
		log_.drop(moment.epoch);
	log_.end_change();
	if (is_traced(TBK_TRACE_COMMIT) && changed.is_ok()) {
		const struct tbk_trace_run what = to_traced(volume_.id, start, run);

		tbk_trace_commit(&what);
	}
}

/* Maps all that has been written meanwhile under one hold of the lock, then answers. */
void VolumeIo::map_written()
{
	List<Piece, &Piece::link> batch;
	RangeLock::Waiters ready;

	{
		IrqGuard guard(lock_);
		batch.splice_all(written_);
	}
	if (batch.is_empty())
		return;
	{
		MutexGuard guard(volume_.lock);

		for (Piece *piece = batch.first(); piece; piece = batch.next(*piece)) {
			if (piece->run.count == 0)
				continue;
			if (piece->io.error) {
				give_space_back(piece->run);
				continue;
			}
			piece->io.error = to_errno(map_one(piece->range.start, piece->run).error());
		}
	}
	while (Piece *piece = batch.pop_front()) {
		ranges_.unlock(piece->range, ready);
		piece_ended(*piece, piece->io.error ? from_errno(piece->io.error) : Err::ok);
	}
	wake(ready);
}

} // namespace thinback
