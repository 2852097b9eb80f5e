// SPDX-License-Identifier: GPL-2.0
#include "journal.h"

#include <thinback/base/container.h>
#include <thinback/trace.h>

namespace thinback {
namespace {

void trace(const format::JournalBlock *blocks, u32 count, u64 ns, Status written)
{
	u64 records = 0;

	for (u32 i = 0; i < count; i++)
		records += blocks[i].header.count.get();
	tbk_trace_journal(count, records, ns, to_errno(written.error()));
}

} // namespace

Journal::Journal(struct tbk_device &device, Checkpointer &checkpointer, const Geometry &geometry,
		 u64 start)
	: device_(device),
	  checkpointer_(checkpointer),
	  geometry_(geometry),
	  start_(start),
	  next_(start),
	  written_(start)
{
	tbk_work_init(&work_, run);
}

Status Journal::init(struct tbk_queue *queue)
{
	queue_ = queue;
	blocks_ = static_cast<format::JournalBlock *>(
		tbk_big_alloc(format::journal_write_max * sizeof(format::JournalBlock)));
	checkpointer_.set_journal_next(start_);
	return blocks_ ? Status() : Err::no_memory;
}

/* The work is queued under the lock: once the waiter can be found it may be answered, and the pool closed. */
void Journal::flush(FlushWaiter &waiter)
{
	IrqGuard guard(lock_);

	waiters_.push_back(waiter);
	tbk_work_queue(queue_, &work_);
}

void Journal::run(struct tbk_work *work)
{
	Journal &self = container_of<&Journal::work_>(work);

	for (;;) {
		Waiters waiting;
		{
			IrqGuard guard(self.lock_);
			waiting.splice_all(self.waiters_);
		}
		if (waiting.is_empty())
			return;
		while (!waiting.is_empty())
			self.write_for(waiting);
	}
}

u64 Journal::limit_blocks() const
{
	const u64 wanted = limit_.load_relaxed();

	return wanted ? wanted : geometry_.journal_blocks / 2;
}

/* Blocks that one write may take: in a row, and none that an opener of the pool would want. */
u32 Journal::room() const
{
	const u64 size = geometry_.journal_blocks;
	const u64 wanted = next_ - checkpointer_.journal_tail();
	u64 room = size > wanted ? size - wanted : 0;

	if (checkpointer_.journal_tail() < start_)
		return 0;
	if (room > size - next_ % size)
		room = size - next_ % size;
	return room < format::journal_write_max ? static_cast<u32>(room)
						: format::journal_write_max;
}

/* One write, for as many of @waiting as it has room for. */
void Journal::write_for(Waiters &waiting)
{
	const u64 durable = checkpointer_.durable();
	Waiters answered;

	used_ = 0;
	room_ = room();
	while (FlushWaiter *waiter = waiting.first()) {
		const Outcome outcome = gather(*waiter, durable);

		if (outcome == Outcome::no_room && used_ > 0)
			break;
		waiting.remove(*waiter);
		if (outcome == Outcome::all)
			answered.push_back(*waiter);
		else
			checkpointer_.flush(*waiter);
	}
	if (!answered.is_empty() || used_ > 0)
		settle(answered, write_out());
}

bool Journal::is_block_full() const
{
	return used_ == 0 || blocks_[used_ - 1].header.count.get() == format::journal_capacity;
}

/* All that the waiter's log holds: later flushes of the volume will find it done. */
Journal::Outcome Journal::gather(const FlushWaiter &waiter, u64 durable)
{
	RecordLog &log = *waiter.log;
	MapChange change;

	if (checkpointer_.has_failed())
		return Outcome::checkpoint;
	/* A change that can be seen and has no record yet will have one. */
	if (log.is_changing())
		MutexGuard guard(waiter.volume->lock);
	while (log.dropped() <= durable && log.peek(durable, change)) {
		if (is_block_full() && used_ == room_)
			return Outcome::no_room;
		append(change, waiter.volume->id);
		log.take();
	}
	return log.dropped() <= durable ? Outcome::all : Outcome::checkpoint;
}

void Journal::append(const MapChange &change, u32 volume)
{
	if (is_block_full()) {
		__builtin_memset(&blocks_[used_], 0, sizeof(blocks_[used_]));
		used_++;
	}
	format::JournalBlock &block = blocks_[used_ - 1];
	const u16 count = block.header.count.get();
	format::JournalRecord &record = block.records[count];
	const auto kind = change.run.start ? format::JournalKind::map : format::JournalKind::unmap;

	record.place.set(change.start << 24 | change.run.count);
	record.target.set(change.run.start | static_cast<u64>(kind) << 48);
	record.volume.set(volume);
	record.epoch.set(static_cast<u32>(change.epoch));
	block.header.count.set(static_cast<u16>(count + 1));
	records_.fetch_add_relaxed(1);
}

/* What is gathered, after all that completed before; nothing to write is a flush all the same. */
Status Journal::write_out()
{
	const u64 first = next_;
	const u64 at = format::journal_start + first % geometry_.journal_blocks;

	if (used_ == 0)
		return flush_device(device_);
	for (u32 i = 0; i < used_; i++) {
		format::BlockHeader &header = blocks_[i].header;

		header.magic.set(format::journal_magic);
		header.self.set(at + i);
		header.pool.set(geometry_.pool);
		header.checkpoint.set(checkpointer_.durable());
		header.low.set(first + i);
		header.high.set(first);
		seal_block(&blocks_[i]);
	}
	/* Only now: a checkpoint that begins earlier may not leave out what was gathered. */
	next_ += used_;
	checkpointer_.set_journal_next(next_);
	writes_.fetch_add_relaxed(1);
	const bool is_seen = is_traced(TBK_TRACE_JOURNAL);
	const u64 begun = is_seen ? tbk_now_ns() : 0;
	const Status written = write_blocks(device_, PhysicalBlock(at), blocks_, BlockCount(used_),
					    TBK_IO_PREFLUSH | TBK_IO_FUA);

	if (is_seen)
		trace(blocks_, used_, tbk_now_ns() - begun, written);
	return written;
}

/* A write that failed may be there or not: no flush after it could be believed. */
void Journal::settle(Waiters &answered, Status written)
{
	if (!written.is_ok())
		checkpointer_.fail("journal", written.error());
	else
		written_.store_release(next_);
	while (FlushWaiter *waiter = answered.pop_front()) {
		if (written.is_ok())
			waiter->log->commit();
		waiter->done(*waiter, to_errno(written.error()));
	}
	if (next_ - checkpointer_.journal_tail() > limit_blocks())
		checkpointer_.request();
}

} // namespace thinback
