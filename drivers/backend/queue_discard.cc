// SPDX-License-Identifier: GPL-2.0
/*
 * Discards of more than a device does in a moment: one request may be for a
 * whole disk. They go in pieces, one at a time of a ring: so that they leave
 * room for its reads and writes, and end when the disk closes.
 */
#include "queue.h"

namespace thinback {
namespace {

/* Ends where a multiple of it does: which is one of any granularity that is a power of two. */
constexpr u64 piece_bytes = 256 << 20;

} // namespace

bool Slot::is_long_discard() const
{
	return operation == Operation::discard && bytes > piece_bytes;
}

/* Before the piece that went last there were others. */
void Slot::make_whole()
{
	sector -= (whole - left - bytes) / xen::sector_size;
	bytes = whole;
}

/* Sent in its turn by discard_on(). */
void Queue::put_by(Slot &slot)
{
	IrqGuard guard(lock_);

	slot.whole = slot.left = slot.bytes;
	slot.bytes = 0;
	discards_.push_back(slot);
}

void Queue::discard_on()
{
	Slot *const slot = next_piece();

	if (slot)
		target_.submit(*slot);
}

/* NULL if there is none, or one is on its way. */
Slot *Queue::next_piece()
{
	IrqGuard guard(lock_);
	Slot *const slot = is_discarding_ ? nullptr : discards_.pop_front();

	if (!slot)
		return nullptr;
	is_discarding_ = true;
	slot->sector += slot->bytes / xen::sector_size;
	const u64 room = piece_bytes - slot->sector * xen::sector_size % piece_bytes;

	slot->bytes = slot->left < room ? slot->left : room;
	slot->left -= slot->bytes;
	return slot;
}

/*
 * True if a piece is done and the thread is to send the next. One that is cut
 * short has failed: the guest must not believe that all is gone.
 */
bool Queue::has_more(Slot &slot, int &error)
{
	IrqGuard guard(lock_);
	const bool is_cut = is_stopping_ || has_failed();
	const bool goes_on = error == 0 && slot.left != 0 && !is_cut;

	if (slot.left != 0 && error == 0 && is_cut)
		error = -TBK_EIO;
	is_discarding_ = false;
	if (goes_on)
		discards_.push_front(slot);
	else
		slot.make_whole();
	/* With the lock, lest stop() drops it all and the ring is gone. */
	if (!discards_.is_empty())
		tbk_xen_ring_wake(glue_);
	return goes_on;
}

/* With no thread any more. */
void Queue::drop_discards()
{
	IrqGuard guard(lock_);

	while (Slot *slot = discards_.pop_front()) {
		slot->make_whole();
		slot->reply = xen::Reply::error;
		finished_.push_back(*slot);
	}
}

} // namespace thinback
