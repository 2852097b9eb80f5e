// SPDX-License-Identifier: GPL-2.0
/* Writes: in place, to new blocks, and of parts of blocks. */
#include "pool.h"
#include "traced.h"
#include "volume_io.h"

namespace thinback {
namespace {

constexpr u64 block_bytes = format::block_size;

constexpr u64 to_range_end(u64 block)
{
	return RangeLock::unit - block % RangeLock::unit;
}

} // namespace

/*
 * In place where the block is ours alone; else to a new block. On a device
 * with large sectors every write takes its range, since filling up a block
 * there rewrites what others may be writing.
 */
VolumeIo::Step VolumeIo::next_write(RequestState &state, Effort effort)
{
	const struct tbk_request &request = state.request();
	const u64 at = request.sector * 512 + state.handed_out;
	const u64 block = at / block_bytes;
	const u64 offset = at % block_bytes;
	u64 bytes = min<u64>(request.bytes - state.handed_out, max_piece);

	if (volume_.allowance.detects_zeroes()) {
		bool is_zero = false;

		bytes = alike(state, offset, bytes, is_zero);
		if (is_zero)
			return write_zeroes(state, block, bytes / block_bytes, effort);
	}
	auto found = find(block, (offset + bytes + block_bytes - 1) / block_bytes, effort);

	if (!found.is_ok() && found.error() != Err::would_block) {
		fail(state, found.error());
		return Step::done;
	}
	const bool ready = found.is_ok() && !(state.first_taken && effort == Effort::quick);

	if (ready && found.value().own && !is_ordered())
		return write_in_place(state, found.value(), offset, bytes, effort);
	const bool partial = offset != 0 || bytes < block_bytes;

	if (!ready || (partial && effort != Effort::io)) {
		queue_slow(state);
		return Step::parked;
	}
	if (partial)
		return write_part(state, block, static_cast<u32>(offset),
				  static_cast<u32>(min<u64>(bytes, block_bytes - offset)));
	return write_whole(state, block, bytes / block_bytes, effort);
}

VolumeIo::Step VolumeIo::write_in_place(RequestState &state, const Mapping &found, u64 offset,
					u64 bytes, Effort effort)
{
	Piece *piece = take_piece(state, effort);

	TBK_ASSERT(piece);
	issue(state, *piece, found.target.raw() * sectors_per_block + offset / 512,
	      min<u64>(bytes, found.run.raw() * block_bytes - offset), piece_done);
	return Step::done;
}

/* Whole blocks, from @block on: takes their range, then sees what is there. */
VolumeIo::Step VolumeIo::write_whole(RequestState &state, u64 block, u64 count, Effort effort)
{
	Piece &piece = *take_piece(state, effort);
	const bool is_first = &piece == &state.first;

	/* Once the request waits for the range it may be in other hands: what is to be undone is undone before. */
	if (is_first)
		state.first_taken = false;
	piece.range.start = block;
	piece.range.count = static_cast<u32>(min<u64>(count, to_range_end(block)));
	if (!ranges_.lock(piece.range, state.range_waiter)) {
		if (!is_first)
			drop_piece(piece);
		return Step::parked;
	}
	if (is_first)
		state.first_taken = true;
	const Step step = write_locked(state, piece, effort);

	if (step == Step::issued)
		return Step::done;
	/* Nothing was submitted. */
	RangeLock::Waiters ready;

	ranges_.unlock(piece.range, ready);
	if (is_first)
		state.first_taken = false;
	else
		drop_piece(piece);
	if (step == Step::parked)
		queue_slow(state);
	wake(ready);
	return step;
}

/* The range is the piece's: nobody else maps it now. */
VolumeIo::Step VolumeIo::write_locked(RequestState &state, Piece &piece, Effort effort)
{
	const u64 block = piece.range.start;
	auto found = find(block, piece.range.count, effort);

	if (!found.is_ok()) {
		if (found.error() == Err::would_block)
			return Step::parked;
		fail(state, found.error());
		return Step::done;
	}
	Run run = { found.value().target.raw(), static_cast<u32>(found.value().run.raw()) };

	if (found.value().own) {
		/* Mapped meanwhile. */
		if (!is_ordered())
			return Step::done;
		piece.run = {};
	} else {
		if (is_stuffed(state))
			return Step::stalled;
		auto taken = take_space(block, run.count, found.value(), effort);

		if (!taken.is_ok())
			return space_refused(state, taken.error());
		run = taken.value();
		piece.run = run;
	}
	ranges_.shrink(piece.range, run.count);
	issue(state, piece, run.start * sectors_per_block, run.count * block_bytes,
	      mapped_piece_written);
	return Step::issued;
}

Want VolumeIo::want_for(u64 block, u32 count, const Mapping &found, Effort effort)
{
	const u64 slot = block / Group::slot_blocks;
	const Recent &here = recent_[slot % recents];
	const Recent &before = recent_[(slot - 1) % recents];
	Want want;

	want.offset = block % Group::slot_blocks;
	want.count = count;
	want.apart = block == next_block_.load_relaxed();
	want.may_wait = effort == Effort::io;
	want.goal = found.goal;
	if (want.goal == 0 && here.slot.load_relaxed() == slot)
		want.goal = here.base.load_relaxed() + want.offset;
	if (want.goal == 0 && slot > 0 && before.slot.load_relaxed() == slot - 1)
		want.goal = before.base.load_relaxed() + Group::slot_blocks + want.offset;
	return want;
}

/* @run was taken for @block: for the next to lie beside it. */
void VolumeIo::remember(u64 block, Run run)
{
	const u64 last = block + run.count - 1;

	for (u64 slot = block / Group::slot_blocks; slot <= last / Group::slot_blocks; slot++) {
		Recent &recent = recent_[slot % recents];
		const u64 first = slot * Group::slot_blocks;

		if (run.start + first < block)
			continue;
		recent.base.store_relaxed(run.start + first - block);
		recent.slot.store_relaxed(slot);
	}
	next_block_.store_relaxed(block + run.count);
	if (is_traced(TBK_TRACE_ALLOCATE)) {
		const struct tbk_trace_run taken = to_traced(volume_.id, block, run);

		tbk_trace_allocate(&taken);
	}
}

/*
 * Less than a block, in a worker and one step after the other: what the block
 * held, or zeros, is filled in around what is written.
 */
VolumeIo::Step VolumeIo::write_part(RequestState &state, u64 block, u32 offset, u32 bytes)
{
	Range range;

	if (is_stuffed(state))
		return Step::stalled;
	range.start = block;
	range.count = 1;
	if (!ranges_.lock(range, state.range_waiter))
		return Step::parked;
	RangeLock::Waiters ready;
	void *buffer = tbk_reserve_take(pool_.blocks());
	const Status written = fill_block(state, block, offset, bytes, static_cast<u8 *>(buffer));

	tbk_reserve_give(pool_.blocks(), buffer);
	ranges_.unlock(range, ready);
	wake(ready);
	if (!written.is_ok())
		return space_refused(state, written.error());
	state.handed_out += bytes;
	return Step::done;
}

Status VolumeIo::fill_block(RequestState &state, u64 block, u32 offset, u32 bytes, u8 *buffer)
{
	const struct tbk_request &request = state.request();
	const Mapping found = TBK_TRY(find(block, 1, Effort::io));
	/* Where writes in place take no range, others may be writing the rest of it. */
	const bool in_place = found.own && !is_ordered();
	Run run = { found.target.raw(), 1 };

	/* What would be around the bytes that are written nobody knows. */
	if (found.kind == Mapping::Kind::lost)
		return Err::lost;
	__builtin_memset(buffer, 0, block_bytes);
	if (found.kind != Mapping::Kind::data && request.op == TBK_OP_WRITE_ZEROES)
		return {};
	if (found.kind == Mapping::Kind::data && !in_place)
		TBK_TRY(read_blocks(pool_.device(), found.target, buffer, BlockCount(1)));
	if (request.op == TBK_OP_WRITE)
		tbk_payload_get(&request.payload, state.handed_out, buffer + offset, bytes);
	else
		__builtin_memset(buffer + offset, 0, bytes);
	if (in_place)
		return write_sectors(pool_.device(), run.start * sectors_per_block + offset / 512,
				     { buffer + offset, bytes }, request.flags & TBK_IO_FUA);
	if (!found.own)
		run = TBK_TRY(take_space(block, 1, found, Effort::io));
	const Status written = write_blocks(pool_.device(), PhysicalBlock(run.start), buffer,
					    BlockCount(1), request.flags & TBK_IO_FUA);

	if (found.own)
		return written.error() == Err::ok ? Status() : written.error();
	if (!written.is_ok()) {
		give_space_back(run);
		return written.error();
	}
	MutexGuard guard(volume_.lock);

	return map_one(block, run);
}

} // namespace thinback
