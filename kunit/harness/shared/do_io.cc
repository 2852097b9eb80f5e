// SPDX-License-Identifier: GPL-2.0
#include "do_io.h"

#include <thinback/base/atomic.h>

namespace thinback {

namespace {

constexpr u64 sector_size = 512;

/* The request is first, so that the rest is found from it. */
struct Waited {
	struct tbk_io io;
	struct tbk_wait wait;
	struct tbk_spinlock lock; /* held around the wake-up: @wait goes right after */
	int is_done;
};

void note_done(struct tbk_io *io)
{
	Waited &waited = *reinterpret_cast<Waited *>(io);
	const unsigned long flags = tbk_spin_lock_irq(&waited.lock);

	waited.is_done = 1;
	tbk_wake(&waited.wait);
	tbk_spin_unlock_irq(&waited.lock, flags);
}

int is_done(void *context)
{
	Waited &waited = *static_cast<Waited *>(context);
	const unsigned long flags = tbk_spin_lock_irq(&waited.lock);
	const int done = waited.is_done;

	tbk_spin_unlock_irq(&waited.lock, flags);
	return done;
}

} // namespace

int do_io(struct tbk_device &device, const Ask &ask)
{
	const struct tbk_payload payload = { ask.data, TBK_PAYLOAD_BUFFER, 0, ask.bytes };
	Waited waited = {};

	tbk_wait_init(&waited.wait);
	tbk_spin_init(&waited.lock, TBK_RANK_WORK);
	waited.io.op = ask.op;
	waited.io.flags = ask.flags;
	waited.io.sector = ask.at / sector_size;
	waited.io.bytes = ask.bytes;
	waited.io.payload = &payload;
	waited.io.done = note_done;
	device.ops->submit(&device, &waited.io);
	tbk_wait_until(&waited.wait, is_done, &waited);
	return waited.io.error;
}

} // namespace thinback
