// SPDX-License-Identifier: GPL-2.0
#include "sweep_batch.h"

#include <thinback/base/container.h>

#include "pool.h"

namespace thinback {

SweepBatch::~SweepBatch()
{
	tbk_big_free(zeros_);
}

u64 SweepBatch::granule() const
{
	const u64 bytes = pool_.device_info().discard_granularity;

	return bytes > 0 ? max<u64>(bytes / format::block_size, 1) : 0;
}

Status SweepBatch::prepare(const SweepPolicy &policy)
{
	const struct tbk_device_info &device = pool_.device_info();

	if (policy.scrubs() && !zeros_)
		zeros_ = static_cast<u8 *>(tbk_big_alloc(zero_blocks * format::block_size));
	if (policy.scrubs() && !zeros_)
		return Err::no_memory;
	if (policy.discards() && granule() == 0 && !pool_.is_read_only())
		tbk_log(TBK_LOG_WARNING, "%s: %s takes no discards: what is freed is not discarded",
			pool_.name(), device.name);
	refused_.store_relaxed(0);
	told_.store_relaxed(0);
	return {};
}

bool SweepBatch::may_discard(const SweepPolicy &policy) const
{
	return policy.discards() && granule() != 0 && !refused_.load_relaxed();
}

u64 SweepBatch::bytes() const
{
	u64 blocks = 0;

	for (u32 i = 0; i < count_; i++)
		blocks += slots_[i].run.count;
	return blocks * format::block_size;
}

void SweepBatch::give_back()
{
	for (u32 i = 0; i < count_; i++) {
		if (slots_[i].failed)
			pool_.space().keep_freed(slots_[i].run);
		else
			pool_.space().give_freed(slots_[i].run);
	}
	count_ = 0;
}

/* ---- pieces ---- */

/* As many of @run's blocks as one request takes; the rest begins at a granule's start, if it can. */
u32 SweepBatch::piece_of(const Run &run, u32 most) const
{
	const u64 granule = this->granule();

	if (run.count <= most || granule < 2)
		return min(run.count, most);
	const u64 end = (run.start + most) / granule * granule;

	return end > run.start ? static_cast<u32>(end - run.start) : most;
}

/* A whole granule at least: of less nothing would ever be discarded. */
u64 SweepBatch::most_of_piece(const SweepPolicy &policy, u64 budget) const
{
	const u64 most = min(u64{ policy.scrubs() ? zero_blocks : discard_blocks }, budget);

	return may_discard(policy) ? max(most, min(granule(), u64{ discard_blocks })) : most;
}

u32 SweepBatch::cut(Run *runs, u32 count, const SweepPolicy &policy)
{
	const u64 eighth = policy.bytes_per_second() / 8 / format::block_size;
	const u64 budget = eighth ? eighth : ~0ull;
	const u64 most = most_of_piece(policy, budget);
	u64 blocks = 0;
	u32 at = 0;

	for (count_ = 0; count_ < depth && at < count && blocks < budget; count_++) {
		Run &run = runs[at];
		Slot &slot = slots_[count_];

		slot.run = { run.start, piece_of(run, static_cast<u32>(most)) };
		slot.failed = false;
		blocks += slot.run.count;
		run.start += slot.run.count;
		run.count -= slot.run.count;
		at += run.count == 0;
	}
	return at;
}

/* ---- requests ---- */

void SweepBatch::sweep(const SweepPolicy &policy)
{
	if (policy.scrubs())
		overwrite();
	if (!may_discard(policy))
		return;
	/* Or the zeros might be discarded before they are written. */
	if (policy.scrubs())
		(void)flush_device(pool_.device());
	discard();
}

/* What is not yet overwritten of it, from its block @from on. False when nothing is, or some of it cannot be. */
bool SweepBatch::aim_zeros(Slot &slot, u64 from) const
{
	if (from >= slot.run.count || slot.failed)
		return false;
	slot.io = {};
	slot.io.op = TBK_OP_WRITE;
	slot.io.sector = (slot.run.start + from) * sectors_per_block;
	slot.io.bytes = min(slot.run.count - from, u64{ zero_blocks }) * format::block_size;
	slot.payload = { zeros_, TBK_PAYLOAD_BUFFER, 0, slot.io.bytes };
	return true;
}

/* False if there is nothing to be asked: not one granule of the device. */
bool SweepBatch::aim_discard(Slot &slot) const
{
	const u64 granule = this->granule();

	if (granule == 0 || slot.failed)
		return false;
	const u64 start = (slot.run.start + granule - 1) / granule * granule;
	const u64 end = (slot.run.start + slot.run.count) / granule * granule;

	if (start >= end)
		return false;
	slot.io = {};
	slot.io.op = TBK_OP_DISCARD;
	slot.io.sector = start * sectors_per_block;
	slot.io.bytes = (end - start) * format::block_size;
	slot.payload = {};
	return true;
}

void SweepBatch::done(struct tbk_io *io)
{
	Slot &slot = container_of<&Slot::io>(io);

	slot.wait->end(0);
}

void SweepBatch::overwrite()
{
	bool is_aimed[depth] = {};
	bool is_any = true;

	for (u64 from = 0; is_any; from += zero_blocks) {
		is_any = false;
		for (u32 i = 0; i < count_; i++) {
			is_aimed[i] = aim_zeros(slots_[i], from);
			is_any |= is_aimed[i];
		}
		submit(TBK_OP_WRITE, is_aimed);
	}
}

void SweepBatch::discard()
{
	bool is_aimed[depth] = {};

	for (u32 i = 0; i < count_; i++)
		is_aimed[i] = aim_discard(slots_[i]);
	submit(TBK_OP_DISCARD, is_aimed);
}

/* To all slots that are aimed at once, and waits for them. */
void SweepBatch::submit(u32 op, const bool *is_aimed)
{
	IoWait wait;

	for (u32 i = 0; i < count_; i++) {
		if (!is_aimed[i])
			continue;
		slots_[i].io.payload = &slots_[i].payload;
		slots_[i].io.done = done;
		slots_[i].wait = &wait;
		wait.begin();
		pool_.device().ops->submit(&pool_.device(), &slots_[i].io);
	}
	(void)wait.wait();
	for (u32 i = 0; i < count_; i++) {
		if (!is_aimed[i] || slots_[i].io.error == 0)
			continue;
		slots_[i].failed = op == TBK_OP_WRITE;
		tell(op, slots_[i].io.error);
	}
}

/* Once: a device that fails goes on failing. */
void SweepBatch::tell(u32 op, int error)
{
	const char *device = pool_.device_info().name;

	if (op == TBK_OP_DISCARD && error == -TBK_EOPNOTSUPP)
		refused_.store_relaxed(1);
	if (told_.exchange(1))
		return;
	if (op == TBK_OP_DISCARD)
		tbk_log(TBK_LOG_WARNING, "%s: a discard on %s failed (error %d): %s", pool_.name(),
			device, -error, "what is freed is used again all the same");
	else
		tbk_log(TBK_LOG_ERROR,
			"%s: freed blocks on %s cannot be overwritten (error %d): %s", pool_.name(),
			device, -error, "they are not used again while the pool is attached");
}

} // namespace thinback
