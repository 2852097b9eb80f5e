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

PhysicalBlock JournalScrub::next_at() const
{
	return PhysicalBlock(format::journal_start +
			     next_ % pool_.space().geometry().journal_blocks);
}

Status JournalScrub::read_next()
{
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(image_);

	TBK_TRY(read(next_at(), format::journal_magic, image_));
	if (header.low.get() != next_ || header.count.get() > format::journal_capacity ||
	    next_ - header.high.get() >= format::journal_write_max)
		return Err::stale;
	return {};
}

/* It is found if a crash just now would have needed it. */
void JournalScrub::judge(Err why)
{
	const ScrubFinding found = { "block",
				     next_,
				     " of the journal,",
				     next_at(),
				     why,
				     "a checkpoint has taken its place",
				     "no checkpoint can take its place",
				     "" };
	const Status healed = checkpoint();

	tell(found, healed.error(), to_text(healed.error()));
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
