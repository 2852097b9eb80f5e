// SPDX-License-Identifier: GPL-2.0
#include "space_scrub.h"

#include "pool.h"

namespace thinback {
namespace {

constexpr u64 first_of(u64 summary)
{
	return summary * format::groups_per_summary;
}

constexpr u64 first_bit(u32 bitmap)
{
	return bitmap * format::bitmap_bits;
}

constexpr u64 end_bit(u32 bitmap)
{
	return min(first_bit(bitmap + 1), format::group_blocks);
}

} // namespace

u64 SpaceScrub::begin(u8 *images)
{
	images_ = images;
	has_super_ = is_over_ = false;
	next_ = index_ = group_ = end_ = 0;
	return 1 + pool_.space().written();
}

bool SpaceScrub::step()
{
	if (is_over_)
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

/* As of the superblock at hand. */
Geometry SpaceScrub::geometry() const
{
	return { super().blocks.get(), super().journal_blocks.get(), super().header.pool.get() };
}

PhysicalBlock SpaceScrub::summary_at() const
{
	return PhysicalBlock(format::first_summary(first_of(index_)) +
			     (super().summaries[index_] & format::slot_bit_8 ? 1 : 0));
}

PhysicalBlock SpaceScrub::bitmap_at(u32 i) const
{
	return PhysicalBlock(format::first_bitmap(group_) + 2ull * i +
			     (entry().bitmap[i].get() & format::slot_bit_16 ? 1 : 0));
}

/* ---- superblock ---- */

Status SpaceScrub::read_super(u64 at, u64 checkpoint)
{
	TBK_TRY(read(PhysicalBlock(at), format::superblock_magic, images_));
	if (super().header.checkpoint.get() != checkpoint)
		return Err::stale;
	return {};
}

/* The newest that is durable. Seven checkpoints later it is overwritten; the other ring has it as well. */
Status SpaceScrub::load_super()
{
	Status read;

	for (u32 tries = 0; tries < most_tries; tries++) {
		const u64 durable = pool_.checkpointer().durable();
		const u64 slot = durable % format::ring_length;

		if (has_super_ && super().header.checkpoint.get() == durable)
			return {};
		read = read_super(format::ring_a + slot, durable);
		if (!read.is_ok())
			read = read_super(format::ring_b + slot, durable);
		has_super_ = read.is_ok();
	}
	if (has_super_)
		return {};
	is_over_ = true;
	end_ = 0;
	count(read.error());
	tbk_log(TBK_LOG_ERROR,
		"%s: scrub: newest superblock: %s: summaries and bitmaps are not verified",
		pool_.name(), to_text(read.error()));
	return Err::would_block;
}

/* ---- summaries ---- */

Status SpaceScrub::read_summary()
{
	const u64 first = first_of(index_);
	const u64 groups = min(geometry().groups() - first, u64{ format::groups_per_summary });
	const format::BlockHeader &header = summary().header;
	const u8 tag = super().summaries[index_] & ~format::slot_bit_8;

	TBK_TRY(read(summary_at(), format::summary_magic, images_ + format::block_size));
	if (format::summary_tag(header.checkpoint.get()) != tag)
		return Err::stale;
	if (header.low.get() != first || header.high.get() != first + groups ||
	    header.count.get() != groups)
		return Err::bad_records;
	return {};
}

/* As of the newest superblock. would_block if nothing is to be told of it: it is written all the time, or was told of. */
Status SpaceScrub::load_summary()
{
	Sightings seen;

	for (u32 tries = 0; tries < most_tries; tries++) {
		TBK_TRY(load_super());
		if (summary_of_ == super().header.checkpoint.get())
			return {};
		summary_of_ = 0;
		const bool are_enough = seen.are_enough(super().summaries[index_]);
		const Status read = read_summary();

		if (read.is_ok())
			summary_of_ = super().header.checkpoint.get();
		if (read.is_ok() || are_enough)
			return read;
	}
	return Err::would_block;
}

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
	const u64 at = summary_at().raw();
	const u64 first = first_of(index_);
	const Status healed = heal_summary();

	count(healed.error());
	if (healed.is_ok())
		tbk_log(TBK_LOG_WARNING,
			"%s: scrub: summary of groups from %llu on in block %llu: %s: written anew "
			"from memory",
			pool_.name(), first, at, to_text(loaded.error()));
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: scrub: summary of groups from %llu on in block %llu: %s: cannot be "
			"written anew: %s: their bitmaps are not verified",
			pool_.name(), first, at, to_text(loaded.error()), to_text(healed.error()));
	return healed.is_ok();
}

void SpaceScrub::visit_summary()
{
	group_ = end_ = summary_of_ = 0;
	if (!load_super().is_ok() || !super().summaries[index_] || !have_summary())
		return;
	group_ = first_of(index_);
	end_ = group_ + summary().header.count.get();
}

/* ---- bitmaps ---- */

Status SpaceScrub::read_bitmap(u32 i)
{
	const u64 first = group_ * format::group_blocks;
	const u16 tag = entry().bitmap[i].get() & ~format::slot_bit_16;
	const format::BlockHeader &header = bitmap().header;

	TBK_TRY(read(bitmap_at(i), format::bitmap_magic, images_ + 2 * format::block_size));
	if (format::bitmap_tag(header.checkpoint.get()) != tag)
		return Err::stale;
	if (header.low.get() != first + first_bit(i) || header.high.get() != first + end_bit(i))
		return Err::bad_records;
	return {};
}

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
	const Err why = why_;
	const u64 at = bitmap_at(i).raw();
	const bool is_known = pool_.space().has_bitmaps(group_);
	const Status healed = is_known ? heal_bitmap(i) : Status(Err::not_found);

	told_ |= 1u << i;
	count(healed.error());
	if (healed.is_ok())
		tbk_log(TBK_LOG_WARNING,
			"%s: scrub: bitmap of group %llu in block %llu: %s: written anew from "
			"memory",
			pool_.name(), group_, at, to_text(why));
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: scrub: bitmap of group %llu in block %llu: %s: cannot be written anew: "
			"%s; a repair of the detached pool can",
			pool_.name(), group_, at, to_text(why),
			is_known ? to_text(healed.error()) : "it is not in memory");
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
