// SPDX-License-Identifier: GPL-2.0
/* Taking up what a pool's device has gained. Durable when it returns. */
#include "make.h"
#include "pool.h"

namespace thinback {
namespace {

constexpr u64 block_bytes = format::block_size;

} // namespace

/* The device is asked anew: what it said when the pool was opened is of then. */
Result<u64> Pool::blocks_to_have(Why *why)
{
	const u64 size = space_->geometry().blocks;
	struct tbk_device_info now {};

	device_.ops->info(&device_, &now);
	if (now.bytes / block_bytes < size) {
		TBK_EXPLAIN(why, "%s has %llu bytes, and pool %s on it %llu: its end is missing",
			    now.name, now.bytes, name_.text, size * block_bytes);
		TBK_HINT(why, "make %s as large as it was; until then what lies past its end fails",
			 now.name);
		return Err::too_small;
	}
	if (size == most_blocks && now.bytes / block_bytes > size) {
		TBK_EXPLAIN(why, "pool %s has %llu bytes, and no pool can have more", name_.text,
			    size * block_bytes);
		return Err::bad_argument;
	}
	const u64 usable = usable_blocks(now.bytes);

	return usable > size ? usable : size;
}

/*
 * No checkpoint begins while the catalog is held, so the growth is all of one.
 * Whoever comes while another grows the pool waits for that, and looks again.
 */
Status Pool::grow(u64 &bytes, Why *why)
{
	TBK_TRY(may_change(why));
	const u64 before = space_->geometry().blocks;
	const u64 wanted = TBK_TRY(blocks_to_have(why));

	while (space_->geometry().blocks < wanted) {
		const u64 size = space_->geometry().blocks;

		TBK_TRY(space_->make_room(wanted));
		{
			MutexGuard guard(catalog_->lock());
			const Moment moment = checkpointer_->begin_structural(*catalog_);

			space_->grow(moment.epoch, size, wanted);
		}
		TBK_TRY(sync());
	}
	bytes = space_->geometry().blocks * block_bytes;
	if (bytes > before * block_bytes)
		tbk_log(TBK_LOG_INFO, "pool %s has grown from %llu to %llu bytes", name_.text,
			before * block_bytes, bytes);
	return {};
}

} // namespace thinback
