// SPDX-License-Identifier: GPL-2.0
#include "epochs.h"

namespace thinback {

Status Epochs::init()
{
	if (tbk_gate_init(&gates_[0]))
		return Err::no_memory;
	if (tbk_gate_init(&gates_[1])) {
		tbk_gate_close(&gates_[0]);
		tbk_gate_destroy(&gates_[0]);
		return Err::no_memory;
	}
	return {};
}

void Epochs::destroy()
{
	for (auto &gate : gates_) {
		tbk_gate_close(&gate);
		tbk_gate_destroy(&gate);
	}
}

/* One of the two is always open: drain() turns to the other before it closes one. */
u32 Epochs::enter()
{
	for (;;) {
		const u32 side = side_.load_acquire();

		if (tbk_gate_enter(&gates_[side]))
			return side;
	}
}

void Epochs::leave(u32 side)
{
	tbk_gate_leave(&gates_[side]);
}

void Epochs::drain()
{
	const u32 side = side_.load_relaxed();

	side_.store_release(1 - side);
	tbk_gate_close(&gates_[side]);
	tbk_gate_open(&gates_[side]);
}

} // namespace thinback
