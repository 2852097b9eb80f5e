// SPDX-License-Identifier: GPL-2.0
#include "journal_scrub.h"

#include "pool.h"

namespace thinback {

/* What was written before the pool was opened has been replayed, and is durable. */
u64 JournalScrub::begin(u8 *image)
{
	image_ = image;
	next_ = max(pool_.checkpointer().journal_tail(), pool_.journal().start());
	end_ = pool_.journal().written();
	return end_ > next_ ? end_ - next_ : 0;
}

/* A block is written anew only after a checkpoint that begins past it. */
bool JournalScrub::is_wanted() const
{
	return pool_.checkpointer().journal_tail() <= next_;
}

Status JournalScrub::read_next()
{
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(image_);
	const u64 size = pool_.space().geometry().journal_blocks;

	TBK_TRY(read(PhysicalBlock(format::journal_start + next_ % size), format::journal_magic,
		     image_));
	if (header.low.get() != next_ || header.count.get() > format::journal_capacity ||
	    next_ - header.high.get() >= format::journal_write_max)
		return Err::stale;
	return {};
}

/* It is found if a crash just now would have needed it. */
void JournalScrub::judge(Err why)
{
	const u64 at = format::journal_start + next_ % pool_.space().geometry().journal_blocks;
	const Status healed = checkpoint();

	count(healed.error());
	if (healed.is_ok())
		tbk_log(TBK_LOG_WARNING,
			"%s: scrub: block %llu of the journal, in block %llu: %s: a checkpoint has "
			"taken its place",
			pool_.name(), next_, at, to_text(why));
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: scrub: block %llu of the journal, in block %llu: %s: no checkpoint can "
			"take its place: %s",
			pool_.name(), next_, at, to_text(why), to_text(healed.error()));
}

bool JournalScrub::step()
{
	next_ = max(next_, pool_.checkpointer().journal_tail());
	if (next_ >= end_)
		return false;
	Status read = read_next();

	/* Once more: it may have been the device's mood. */
	if (!read.is_ok() && is_wanted())
		read = read_next();
	if (!read.is_ok() && is_wanted())
		judge(read.error());
	next_++;
	return true;
}

} // namespace thinback
