// SPDX-License-Identifier: GPL-2.0
/* Handing out a request in pieces, each as long as one mapping holds. */
#include <thinback/base/scope.h>

#include "pool.h"
#include "traced.h"
#include "volume_io.h"

namespace thinback {
namespace {

constexpr u64 block_bytes = format::block_size;

Result<Mapping> look_up(Volume &volume, NodeCache &cache, u64 block, u64 most, bool may_wait)
{
	auto found = find_extent(volume.tree, cache, VirtualBlock(block), BlockCount(most));

	if (found.is_ok() || !may_wait)
		return found;
	MutexGuard guard(volume.lock);

	return find_extent_locked(volume.tree, cache, VirtualBlock(block), BlockCount(most));
}

void trace(u32 volume, u64 block, const Mapping &found)
{
	const bool is_data = found.kind == Mapping::Kind::data;
	const Run run = { is_data ? found.target.raw() : 0, static_cast<u32>(found.run.raw()) };
	const struct tbk_trace_run traced = to_traced(volume, block, run);

	tbk_trace_lookup(&traced);
}

} // namespace

/*
 * Goes on from where the request stands. Once it is parked, or its last piece
 * is on its way, it may be over before this returns: nothing is touched then.
 */
void VolumeIo::drive(RequestState &state, Effort effort)
{
	const struct tbk_request &request = state.request();

	while (state.handed_out < request.bytes && !state.error.load_relaxed()) {
		Step step = Step::done;

		if (request.op == TBK_OP_READ)
			step = next_read(state, effort);
		else if (request.op == TBK_OP_WRITE)
			step = next_write(state, effort);
		else if (effort == Effort::io)
			step = next_discard(state);
		else {
			queue_slow(state);
			step = Step::parked;
		}
		if (step == Step::parked)
			return;
		if (step == Step::stalled)
			break;
	}
	put(state);
}

Result<Mapping> VolumeIo::find(u64 block, u64 most, Effort effort)
{
	auto found = look_up(volume_, pool_.cache(), block, most, effort == Effort::io);

	if (is_traced(TBK_TRACE_LOOKUP) && found.is_ok())
		trace(volume_.id, block, found.value());
	return found;
}

/* NULL: this effort may not wait for one. */
Piece *VolumeIo::take_piece(RequestState &state, Effort effort)
{
	if (!state.first_taken) {
		state.first_taken = true;
		state.first.owner = &state;
		return &state.first;
	}
	if (effort == Effort::quick)
		return nullptr;
	auto *piece = new (At{ tbk_reserve_take(pool_.pieces()) }) Piece;

	piece->owner = &state;
	return piece;
}

void VolumeIo::drop_piece(Piece &piece)
{
	piece.~Piece();
	tbk_reserve_give(pool_.pieces(), &piece);
}

/* Whether every write takes its range: see next_write(). */
bool VolumeIo::is_ordered() const
{
	return pool_.device_info().logical_block > 512;
}

void VolumeIo::issue(RequestState &state, Piece &piece, u64 sector, u64 bytes,
		     void (*done)(struct tbk_io *))
{
	const struct tbk_request &request = state.request();

	piece.io = {};
	piece.io.op = request.op;
	piece.io.flags = request.flags & (TBK_IO_FUA | TBK_IO_SYNC);
	piece.io.sector = sector;
	piece.io.bytes = bytes;
	piece.io.payload = &request.payload;
	piece.io.offset = state.handed_out;
	piece.io.done = done;
	state.handed_out += bytes;
	state.pending.fetch_add(1);
	pool_.device().ops->submit(&pool_.device(), &piece.io);
}

/* Whether the device takes such a request as it is. */
bool VolumeIo::fits_device(u64 offset, u64 bytes) const
{
	const u32 logical = pool_.device_info().logical_block;

	return offset % logical == 0 && bytes % logical == 0;
}

VolumeIo::Step VolumeIo::next_read(RequestState &state, Effort effort)
{
	const struct tbk_request &request = state.request();
	const u64 at = request.sector * 512 + state.handed_out;
	const u64 offset = at % block_bytes;
	u64 bytes = min<u64>(request.bytes - state.handed_out, max_piece);
	auto found =
		find(at / block_bytes, (offset + bytes + block_bytes - 1) / block_bytes, effort);

	if (!found.is_ok()) {
		if (found.error() != Err::would_block) {
			fail(state, found.error());
			return Step::done;
		}
		queue_slow(state);
		return Step::parked;
	}
	const Mapping &mapping = found.value();

	bytes = min<u64>(bytes, mapping.run.raw() * block_bytes - offset);
	if (mapping.kind == Mapping::Kind::lost) {
		fail(state, Err::lost);
		return Step::done;
	}
	if (mapping.kind != Mapping::Kind::data) {
		tbk_payload_zero(&request.payload, state.handed_out, bytes);
		state.handed_out += bytes;
		return Step::done;
	}
	return read_data(state, mapping.target, offset, bytes, effort);
}

VolumeIo::Step VolumeIo::read_data(RequestState &state, PhysicalBlock target, u64 offset, u64 bytes,
				   Effort effort)
{
	if (!fits_device(offset, bytes)) {
		if (effort == Effort::io)
			return read_part(state, target.raw(), static_cast<u32>(offset),
					 static_cast<u32>(min<u64>(bytes, block_bytes - offset)));
		queue_slow(state);
		return Step::parked;
	}
	Piece *piece = take_piece(state, effort);

	if (!piece) {
		queue_slow(state);
		return Step::parked;
	}
	issue(state, *piece, target.raw() * sectors_per_block + offset / 512, bytes, piece_done);
	return Step::done;
}

/* From a device whose sectors are larger than the request's. */
VolumeIo::Step VolumeIo::read_part(RequestState &state, u64 target, u32 offset, u32 bytes)
{
	void *buffer = tbk_reserve_take(pool_.blocks());
	const auto give_buffer = ScopeGuard([&] { tbk_reserve_give(pool_.blocks(), buffer); });
	const Status read =
		read_blocks(pool_.device(), PhysicalBlock(target), buffer, BlockCount(1));

	if (read.is_ok())
		tbk_payload_put(&state.request().payload, state.handed_out,
				static_cast<u8 *>(buffer) + offset, bytes);
	else
		fail(state, read.error());
	state.handed_out += bytes;
	return Step::done;
}

/* Discards drop whole blocks; zeroes are written to what is not one. In a worker. */
VolumeIo::Step VolumeIo::next_discard(RequestState &state)
{
	constexpr u64 most = 65536; /* blocks at a time, so that others get at the lock */
	const struct tbk_request &request = state.request();
	const u64 at = request.sector * 512 + state.handed_out;
	const u64 left = request.bytes - state.handed_out;
	const u64 offset = at % block_bytes;

	if (offset != 0 || left < block_bytes) {
		const u32 part = static_cast<u32>(min<u64>(left, block_bytes - offset));

		if (request.op == TBK_OP_WRITE_ZEROES)
			return write_part(state, at / block_bytes, static_cast<u32>(offset), part);
		state.handed_out += part;
		return Step::done;
	}
	const u64 count = min<u64>(left / block_bytes, most);

	if (is_stuffed(state))
		return Step::stalled;
	return drop(state, at / block_bytes, count);
}

} // namespace thinback
