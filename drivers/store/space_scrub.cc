// SPDX-License-Identifier: GPL-2.0
#include "space_scrub.h"

#include "pool.h"

namespace thinback {

u64 SpaceScrub::begin(u8 *images)
{
	DurableSpace::begin(images);
	next_ = end_ = 0;
	return 1 + pool_.space().written();
}

bool SpaceScrub::step()
{
	if (is_lost())
		return false;
	if (group_ < end_) {
		visit_group();
		group_++;
		return true;
	}
	if (next_ >= pool_.space().geometry().summaries())
		return false;
	index_ = next_++;
	visit_summary();
	return true;
}

/* ---- summaries ---- */

Status SpaceScrub::heal_summary()
{
	pool_.space().renew_summary(index_);
	TBK_TRY(checkpoint());
	return load_summary();
}

/* Makes it so, if that can be. */
bool SpaceScrub::have_summary()
{
	const Status loaded = load_summary();

	if (loaded.is_ok() || loaded.error() == Err::would_block)
		return loaded.is_ok();
	const ScrubFinding found = { "summary of groups from",
				     first_group(),
				     " on",
				     summary_at(),
				     loaded.error(),
				     "written anew from memory",
				     "cannot be written anew",
				     ": their bitmaps are not verified" };
	const Status healed = heal_summary();

	tell(found, healed.error(), to_text(healed.error()));
	return healed.is_ok();
}

void SpaceScrub::visit_summary()
{
	forget_summary();
	group_ = end_ = 0;
	if (!load_super().is_ok() || !super().summaries[index_] || !have_summary())
		return;
	group_ = first_group();
	end_ = group_ + summary().header.count.get();
}

/* ---- bitmaps ---- */

/* Up to the first that does not verify, which is returned, and why_. */
u32 SpaceScrub::read_bitmaps()
{
	free_ = 0;
	for (u32 i = 0; i < format::bitmaps_per_group; i++) {
		const u32 bits = static_cast<u32>(end_bit(i) - first_bit(i));

		if (told_ & (1u << i))
			continue;
		if (!entry().bitmap[i].get()) {
			free_ += geometry().most_free_in(group_, first_bit(i), end_bit(i));
			continue;
		}
		why_ = read_bitmap(i).error();
		if (why_ != Err::ok)
			return i;
		free_ += bits - count_bits(reinterpret_cast<const u64 *>(bitmap().bits), 0, bits);
		if (!pool_.space().agrees(group_, i, super().header.checkpoint.get(),
					  bitmap().bits))
			tell_other(i);
	}
	return format::bitmaps_per_group;
}

void SpaceScrub::visit_group()
{
	Sightings seen;

	told_ = 0;
	for (u32 tries = 0; tries < most_tries; tries++) {
		if (!have_summary())
			return;
		const u32 bad = read_bitmaps();

		if (bad == format::bitmaps_per_group) {
			if (told_ == 0 && free_ != entry().free.get())
				tell_free();
			return;
		}
		if (seen.are_enough(bad << 16 | entry().bitmap[bad].get())) {
			tell_bitmap(bad);
			tries = 0;
		}
	}
}

Status SpaceScrub::heal_bitmap(u32 i)
{
	Status read = Err::would_block;

	pool_.space().renew_bitmap(group_, i);
	TBK_TRY(checkpoint());
	for (u32 tries = 0; tries < most_tries && !read.is_ok(); tries++) {
		TBK_TRY(load_summary());
		read = read_bitmap(i);
	}
	return read;
}

/* Heals it if memory can tell what belongs there; a repair asks the trees. */
void SpaceScrub::tell_bitmap(u32 i)
{
	const ScrubFinding found = { "bitmap of group",
				     group_,
				     "",
				     bitmap_at(i),
				     why_,
				     "written anew from memory",
				     "cannot be written anew",
				     "; a repair of the detached pool can" };
	const bool is_known = pool_.space().has_bitmaps(group_);
	const Status healed = is_known ? heal_bitmap(i) : Status(Err::not_found);

	told_ |= 1u << i;
	tell(found, healed.error(), is_known ? to_text(healed.error()) : "it is not in memory");
}

/* Either may be the one that is wrong. */
void SpaceScrub::tell_other(u32 i)
{
	told_ |= 1u << i;
	count(Err::bad_records);
	tbk_log(TBK_LOG_ERROR,
		"%s: scrub: bitmap of group %llu in block %llu: not what is in memory: detach the "
		"pool and check it",
		pool_.name(), group_, bitmap_at(i).raw());
}

void SpaceScrub::tell_free()
{
	count(Err::bad_records);
	tbk_log(TBK_LOG_ERROR,
		"%s: scrub: group %llu: %u blocks are free and %u are said to be: detach the pool "
		"and check it",
		pool_.name(), group_, free_, entry().free.get());
}

} // namespace thinback
