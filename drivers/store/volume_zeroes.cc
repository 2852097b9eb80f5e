// SPDX-License-Identifier: GPL-2.0
/*
 * Writes of zeros to a volume that wants no space taken by them. A guest may
 * change a page after it was looked at: what was zeros then is stored as zeros,
 * and what was not is written as it is when the device reads it.
 */
#include "pool.h"
#include "volume_io.h"

namespace thinback {
namespace {

constexpr u64 block_bytes = format::block_size;
constexpr u64 most_looked_at = 64 * block_bytes; /* at a time: what follows is looked at again */

} // namespace

/* How many of the next @bytes go the same way: whole blocks of zeros, or anything else. */
u64 VolumeIo::alike(RequestState &state, u64 offset, u64 bytes, bool &is_zero)
{
	const struct tbk_payload &payload = state.request().payload;
	const u64 most = min(bytes, most_looked_at);
	u64 length = 0;

	is_zero = false;
	if (offset != 0)
		return min(bytes, block_bytes - offset);
	while (most - length >= block_bytes) {
		const bool zero =
			tbk_payload_is_zero(&payload, state.handed_out + length, block_bytes) != 0;

		if (length > 0 && zero != is_zero)
			return length;
		is_zero = zero;
		length += block_bytes;
	}
	/* Less than a block is left, or nothing. */
	return is_zero ? length : most;
}

/* What is there, or was lost, goes, as by a discard; where nothing is there is nothing to do. */
VolumeIo::Step VolumeIo::write_zeroes(RequestState &state, u64 block, u64 count, Effort effort)
{
	auto found = find(block, count, effort);
	const bool is_there = found.is_ok() && (found.value().kind == Mapping::Kind::data ||
						found.value().kind == Mapping::Kind::lost);

	if (!found.is_ok() && found.error() != Err::would_block) {
		fail(state, found.error());
		return Step::done;
	}
	if (!found.is_ok() || (is_there && effort != Effort::io)) {
		queue_slow(state);
		return Step::parked;
	}
	const u64 length = min(count, found.value().run.raw());

	if (is_there && is_stuffed(state))
		return Step::stalled;
	if (is_there)
		return drop(state, block, length);
	state.handed_out += length * block_bytes;
	return Step::done;
}

} // namespace thinback
