// SPDX-License-Identifier: GPL-2.0
/* What a scrub does about what is not as it should be. */
#include <thinback/base/scope.h>

#include "pool.h"
#include "sync_io.h"

namespace thinback {

/* It was replaced while it was read: what is there now comes next. */
void Scrubber::look_again(const Part &part)
{
	depth_ = next_ = count_ = 0;
	cursor_ = max(cursor_, ++retries_ < most_retries ? part.low : part.high);
	gathered_ = cursor_;
}

/* Its lock is held. Reads what is missing on the way, which is rare, as so is this. */
bool Scrubber::leads_to(const Tree &tree, const Part &part)
{
	const NodePointer &wanted = part.pointer;
	NodePointer at = tree.root();
	bool is_pending = tree.is_root_pending();

	while (at.block && at.level > wanted.level) {
		const auto got = pool_.cache().get(at, kind_);

		if (!got.is_ok())
			return false;
		const Pin node(pool_.cache(), got.value());
		const u32 upto = node->records_up_to(node->layout(), node->count(), part.low);
		const u32 index = upto > 0 ? upto - 1 : 0;

		at = node->pointer(index);
		is_pending = node->is_pending(index);
	}
	return !is_pending && at.block == wanted.block && at.level == wanted.level &&
	       at.checksum == wanted.checksum && at.birth == wanted.birth;
}

bool Scrubber::is_in_use(Catalog &catalog, const Part &part)
{
	if (id_ == 0)
		return leads_to(catalog.tree(), part);
	Volume *volume = catalog.find_id(id_);

	if (!volume || part.high <= passed_of(catalog, *volume))
		return false;
	MutexGuard guard(volume->lock);

	return leads_to(volume->tree, part);
}

/* A copy did not read as it should. */
void Scrubber::judge(const Part &part)
{
	{
		Catalog &catalog = pool_.catalog();
		MutexGuard guard(catalog.lock());

		if (!is_in_use(catalog, part))
			return look_again(part);
	}
	/* Once more: it may have been the device's mood. */
	const Copies copies = read_both(part);
	const bool has_second = part.pointer.mirror && copies.second == Err::ok;

	if (copies.are_sound())
		return pass(part);
	if (copies.first != Err::ok && !has_second) {
		tell_lost(part, copies);
		cursor_ = part.high;
		return;
	}
	const Copy bad = copies.first != Err::ok ? Copy::first : Copy::second;

	if (heal(part, bad, bad == Copy::first ? copies.first : copies.second))
		pass(part);
	else
		look_again(part);
}

/*
 * From the other copy, which has been read: a node never changes where it lies, so
 * these are the same bytes in the same place. False if it is not in use any more.
 */
bool Scrubber::heal(const Part &part, Copy bad, Err why)
{
	const PhysicalBlock at(block_of(part.pointer, bad));
	const u64 good = block_of(part.pointer, bad == Copy::first ? Copy::second : Copy::first);
	Status healed;

	{
		Catalog &catalog = pool_.catalog();
		MutexGuard guard(catalog.lock());

		if (!is_in_use(catalog, part))
			return false;
		healed = pool_.is_read_only() ? Status(Err::read_only)
					      : write_blocks(pool_.device(), at, image(depth_),
							     BlockCount(1), 0);
	}
	/* Sound or not, the image stays: the walk goes on by it. */
	tally_.found.fetch_add_relaxed(1);
	tally_.healed.fetch_add_relaxed(healed.is_ok());
	tbk_log(TBK_LOG_WARNING,
		"%s: scrub: %s: node of level %u in block %llu: %s: %s its copy in block %llu%s%s",
		pool_.name(), name_, part.pointer.level, at.raw(), to_text(why),
		healed.is_ok() ? "healed from" : "cannot be healed from", good,
		healed.is_ok() ? "" : ": ", healed.is_ok() ? "" : to_text(healed.error()));
	return true;
}

void Scrubber::tell_lost(const Part &part, const Copies &copies)
{
	const char *second = part.pointer.mirror ? to_text(copies.second) : "";
	const char *between = part.pointer.mirror ? "; and its copy: " : "";

	tally_.found.fetch_add_relaxed(1);
	if (id_ == 0)
		tbk_log(TBK_LOG_ERROR, "%s: scrub: %s: node of level %u in block %llu: %s%s%s",
			pool_.name(), name_, part.pointer.level, part.pointer.block,
			to_text(copies.first), between, second);
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: scrub: %s: bytes %llu to %llu: node of level %u in block %llu: %s%s%s",
			pool_.name(), name_, part.low * format::block_size,
			min(part.high, max(size_, part.low)) * format::block_size,
			part.pointer.level, part.pointer.block, to_text(copies.first), between,
			second);
}

/* ---- superblocks ---- */

/* Left in the first image. What a checkpoint that is under way may be writing is not bad. */
bool Scrubber::is_bad_slot(u64 at)
{
	const u64 durable = pool_.checkpointer().durable();
	const Status sound =
		verify_slot(pool_.device(), at, pool_.space().geometry().pool, durable, image(0));

	count_read();
	return !sound.is_ok();
}

/* No checkpoint begins while this looks, so none but one that is under way writes there. */
void Scrubber::check_ring(Ring ring)
{
	const u64 start = ring == Ring::a ? format::ring_a : format::ring_b;
	const u64 other = ring == Ring::a ? format::ring_b : format::ring_a;

	for (u64 slot = 0; slot < format::ring_length; slot++) {
		if (!is_bad_slot(start + slot))
			continue;
		MutexGuard guard(pool_.catalog().lock());

		if (is_bad_slot(start + slot))
			heal_slot(start + slot, other + slot);
	}
}

/* The other ring has the same at the same place. */
void Scrubber::heal_slot(u64 at, u64 twin)
{
	const u64 pool = pool_.space().geometry().pool;
	const auto &super = *reinterpret_cast<const format::Superblock *>(image(1));
	Status healed = read_blocks(pool_.device(), PhysicalBlock(twin), image(1), BlockCount(1));

	count_read();
	tally_.found.fetch_add_relaxed(1);
	if (healed.is_ok())
		healed = check_block(image(1), format::superblock_magic, PhysicalBlock(twin), pool);
	if (healed.is_ok()) {
		const Ring ring = at < format::ring_b ? Ring::a : Ring::b;
		const bool is_same = seal_superblock(super, ring, image(0)).raw() == at;

		healed = !is_same		? Status(Err::stale)
			 : pool_.is_read_only() ? Status(Err::read_only)
						: write_blocks(pool_.device(), PhysicalBlock(at),
							       image(0), BlockCount(1), 0);
	}
	tally_.healed.fetch_add_relaxed(healed.is_ok());
	if (healed.is_ok())
		tbk_log(TBK_LOG_WARNING,
			"%s: scrub: copy of the superblock in block %llu: healed from block %llu",
			pool_.name(), at, twin);
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: scrub: copy of the superblock in block %llu: damaged, and cannot be "
			"healed from block %llu: %s",
			pool_.name(), at, twin, to_text(healed.error()));
}

} // namespace thinback
