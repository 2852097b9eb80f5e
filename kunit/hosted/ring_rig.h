/* SPDX-License-Identifier: GPL-2.0 */
/* A device and a guest that has it, with rings of any kind. */
#pragma once

#include <string.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/guest.h"
#include "../../drivers/hosted/hosted.h"

namespace thinback {

inline MemoryDevice::Options ring_device_options()
{
	MemoryDevice::Options options;

	options.asynchronous = true;
	options.is_payload_stable = false;
	return options;
}

inline struct tbk_vbd_target ring_target(MemoryDevice &device)
{
	struct tbk_vbd_target target = {};

	target.device = &device;
	target.discard = 1;
	return target;
}

struct RingRig {
	explicit RingRig(const MemoryDevice::Options &options = ring_device_options())
		: device(4 << 20, options), guest(ring_target(device))
	{
	}

	bool connect(const GuestLayout &layout, xen::Abi abi = xen::Abi::x86_64)
	{
		guest.connect(abi, xen::State::initialised, layout);
		return guest.wait_for(xen::State::connected);
	}

	/* Closes, and says whether all was let go. */
	bool close()
	{
		guest.go(xen::State::closed);
		const bool is_closed = guest.wait_for(xen::State::closed);

		guest.go(xen::State::initialising);
		return is_closed && guest.wait_for(xen::State::init_wait) && !guest.pages_mapped();
	}

	/* Puts, kicks, and waits for the one answer; 99 if it is none. */
	int ask(const GuestIo &io, u32 queue = 0)
	{
		GuestReply reply = {};

		guest.put(io, queue);
		guest.kick(queue);
		if (!guest.take(reply, queue) || reply.id != io.id)
			return 99;
		return reply.status;
	}

	int write(u64 sector, u8 value, u32 queue = 0)
	{
		const u32 page = guest.grant(true);

		memset(guest.page(page), value, xen::page_size);
		return ask({ xen::op_write, sector, sector, { page }, 0, 7 }, queue);
	}

	/* The first byte of the page there, or -1. */
	int read(u64 sector, u32 queue = 0)
	{
		const u32 page = guest.grant();

		memset(guest.page(page), 0xee, xen::page_size);
		if (ask({ xen::op_read, sector, sector, { page }, 0, 7 }, queue))
			return -1;
		return guest.page(page)[0];
	}

	MemoryDevice device;
	Guest guest;
};

} // namespace thinback
