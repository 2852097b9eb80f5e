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

} // namespace thinback
