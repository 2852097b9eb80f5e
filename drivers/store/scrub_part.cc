// SPDX-License-Identifier: GPL-2.0
#include "scrub_part.h"

#include "pool.h"

namespace thinback {

Status ScrubPart::read(PhysicalBlock at, u32 magic, u8 *image)
{
	tally_.done.fetch_add_relaxed(1);
	TBK_TRY(read_blocks(pool_.device(), at, image, BlockCount(1)));
	return check_block(image, magic, at, pool_.space().geometry().pool);
}

Status ScrubPart::checkpoint()
{
	Checkpointer &checkpointer = pool_.checkpointer();

	if (pool_.is_read_only())
		return Err::read_only;
	if (checkpointer.has_failed())
		return Err::pool_failed;
	{
		Catalog &catalog = pool_.catalog();
		MutexGuard guard(catalog.lock());

		checkpointer.begin_structural(catalog);
	}
	return checkpointer.sync();
}

void ScrubPart::count(Err not_healed)
{
	tally_.found.fetch_add_relaxed(1);
	tally_.healed.fetch_add_relaxed(not_healed == Err::ok);
}

void ScrubPart::tell(const ScrubFinding &found, Err not_healed, const char *reason)
{
	count(not_healed);
	if (not_healed == Err::ok)
		tbk_log(TBK_LOG_WARNING, "%s: scrub: %s %llu%s in block %llu: %s: %s", pool_.name(),
			found.what, found.number, found.more, found.at.raw(), to_text(found.why),
			found.healed);
	else
		tbk_log(TBK_LOG_ERROR, "%s: scrub: %s %llu%s in block %llu: %s: %s: %s%s",
			pool_.name(), found.what, found.number, found.more, found.at.raw(),
			to_text(found.why), found.not_healed, reason, found.remedy);
}

} // namespace thinback
