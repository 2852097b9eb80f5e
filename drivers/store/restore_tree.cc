// SPDX-License-Identifier: GPL-2.0
/* The part of Restore that is told of extents. */
#include "restore.h"

namespace thinback {

/* NULL, or what is wrong. */
const char *Restore::fault_of(const struct tbk_dump_extent &told) const
{
	const bool is_stored = told.state == TBK_DUMP_DATA || told.state == TBK_DUMP_ZERO;

	if (told.state > TBK_DUMP_LOST)
		return "is in no state that is known";
	if (told.count == 0 || told.start >= format::end_of_keys ||
	    told.count > format::end_of_keys - told.start ||
	    (is_stored && told.count > format::max_extent))
		return "is longer, or shorter, than can be";
	if (told.start < end_)
		return "overlaps what comes before it, or is out of order";
	if (is_stored && (told.birth == 0 || told.birth > newest_))
		return "was born when it cannot have been";
	if (told.state == TBK_DUMP_ZERO && told.target != 0)
		return "has a place and no data";
	if (told.state == TBK_DUMP_LOST && !(flags_ & TBK_RESTORE_LOST))
		return "could not be read when the dump was made";
	if (told.state == TBK_DUMP_SAME &&
	    (!volume_->parent || told.start < volume_->tree.merged()))
		return "is said to be its parent's, and cannot be";
	if (told.state != TBK_DUMP_DATA)
		return nullptr;
	if (told.start + told.count > volume_->size())
		return "lies past the end";
	return pool_->space().is_sound(told.target, told.count) ? nullptr
								: "lies where no data can be";
}

Status Restore::refuse_extent(Why *why, const struct tbk_dump_extent &told, const char *what) const
{
	TBK_EXPLAIN(why, "%s: what starts at block %llu %s", name_of(*volume_).text, told.start,
		    what);
	return Err::bad_argument;
}

Status Restore::extent(const struct tbk_dump_extent &told, Why *why)
{
	const char *wrong = fault_of(told);

	if (wrong) {
		if (told.state == TBK_DUMP_LOST)
			TBK_HINT(why, "to go without: --force");
		return refuse_extent(why, told, wrong);
	}
	end_ = told.start + told.count;
	has_lost_ |= told.state == TBK_DUMP_LOST;
	return is_again_ ? put(told) : claim(told, why);
}

/* Takes the blocks that are this tree's alone: each of the pool's is one tree's. */
Status Restore::claim(const struct tbk_dump_extent &told, Why *why)
{
	if (told.state != TBK_DUMP_DATA)
		return {};
	MutexGuard guard(volume_->lock);
	const u64 owned = volume_->tree.owned(told.birth, told.start, told.count);
	const Run run = { told.target, static_cast<u32>(owned) };

	if (owned == 0)
		return {};
	const Status taken = pool_->space().take_at(run);

	if (taken.is_ok())
		pool_->space().use(pool_->checkpointer().begin_change(*volume_).epoch, run);
	else if (taken.error() == Err::bad_records)
		return refuse_extent(why, told, "lies where something else lies");
	return taken;
}

/* So that it reads as an error, as before, and not as zeros. */
Status Restore::put_lost(const struct tbk_dump_extent &told)
{
	const u64 end = min(told.start + told.count, volume_->size());

	for (u64 at = told.start; at < end;) {
		const u64 count = min(end - at, static_cast<u64>(format::max_extent));

		TBK_TRY(put_record(
			{ at, count, TBK_DUMP_LOST, 0, told.birth ? told.birth : newest_ }));
		at += count;
	}
	return {};
}

Status Restore::put(const struct tbk_dump_extent &told)
{
	if (told.state == TBK_DUMP_LOST)
		return put_lost(told);
	if (told.state == TBK_DUMP_SAME) {
		TBK_TRY(flush(told.start));
		built_ = end_;
		return {};
	}
	return put_record(told);
}

Status Restore::put_record(const struct tbk_dump_extent &told)
{
	if (count_ == TreeBuilder::most_records)
		TBK_TRY(flush((records_[3 * (count_ - 1)] >> 24) +
			      (records_[3 * (count_ - 1)] & format::max_extent)));
	u64 *record = &records_[3 * count_++];

	record[0] = told.start << 24 | told.count;
	record[1] = told.target | static_cast<u64>(told.state) << 48;
	record[2] = told.birth;
	return {};
}

/* Nodes are born as late as they can be: after `since`, and after all that is in them. */
Status Restore::flush(u64 end)
{
	{
		MutexGuard guard(volume_->lock);
		const u64 epoch = pool_->checkpointer().begin_change(*volume_).epoch;

		TBK_TRY(builder_->replace(volume_->tree, { built_, end }, records_, count_,
					  { epoch, newest_ }));
	}
	count_ = 0;
	built_ = end;
	return relieve();
}

Status Restore::relieve()
{
	return pool_->cache().is_stuffed() ? pool_->sync() : Status();
}

/* Sealed, so that others can share it. */
Status Restore::end_tree()
{
	if (!volume_ || !is_again_)
		return {};
	TBK_TRY(flush(format::end_of_keys));
	MutexGuard guard(volume_->lock);

	pool_->checkpointer().seal(*volume_);
	return {};
}

} // namespace thinback
