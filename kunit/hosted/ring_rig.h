/* SPDX-License-Identifier: GPL-2.0 */
/* A device and a guest that has it, with rings of any kind. */
#pragma once

#include <string.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/guest.h"
#include "../../drivers/hosted/hosted.h"

namespace thinback {

constexpr MemoryDevice::Options ring_device_options()
{
	return { .asynchronous = true, .is_payload_stable = false };
}

/* What is made of it for a guest. */
struct RingDisk {
	u64 bytes = 4 << 20;
	bool is_read_only = false;
	bool has_discards = true;
};

inline struct tbk_vbd_target ring_target(MemoryDevice &device, const RingDisk &disk = {})
{
	struct tbk_vbd_target target = {};

	target.device = &device;
	target.read_only = disk.is_read_only;
	target.discard = disk.has_discards;
	return target;
}

/* A guest that has a disk. */
struct GuestDisk {
	explicit GuestDisk(const struct tbk_vbd_target &behind) : guest(behind) {}

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

	/* So many answers, none of them an error. */
	bool take_all(u64 count)
	{
		GuestReply reply = {};

		for (u64 i = 0; i < count; i++) {
			if (!guest.take(reply) || reply.status)
				return false;
		}
		return true;
	}

	int flush() { return ask({ xen::op_flush, 77, 0, {}, 0, 7 }); }

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

	Guest guest;
};

struct RingDevice {
	MemoryDevice device;
};

struct RingRig : RingDevice, GuestDisk {
	explicit RingRig(const MemoryDevice::Options &options = ring_device_options(),
			 const RingDisk &disk = {})
		: RingDevice{ { disk.bytes, options } }, GuestDisk(ring_target(device, disk))
	{
	}

	/* The device does nothing from then on, until it is let go. */
	bool connect_and_hold(const GuestLayout &layout = {})
	{
		if (!connect(layout))
			return false;
		hosted_sleep_ms(1);
		device.hold();
		return true;
	}

	/* The guest goes, and the device holds what it has for a while. */
	void leave_while_held(u64 ms = 100)
	{
		hosted_spawn("let go", [this, ms] {
			hosted_sleep_ms(ms);
			device.let_go();
		});
		guest.leave();
	}
};

} // namespace thinback
