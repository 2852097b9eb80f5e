/* SPDX-License-Identifier: GPL-2.0 */
/* A pool, and a guest that has a volume of it. */
#pragma once

#include "ring_rig.h"

namespace thinback {

constexpr u64 mib = 1 << 20;
constexpr u64 sector = 512;
constexpr u64 volume_bytes = 8 * mib;

/* A pool with one volume, `disk`. */
struct VolumePool {
	VolumePool() : device(256 * mib, ring_device_options())
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		is_ok = !tbk_pool_format(&device, &options, nullptr) && open() &&
			!tbk_volume_create(pool, "disk", volume_bytes, 0, nullptr);
	}
	~VolumePool() { close(); }
	VolumePool(const VolumePool &) = delete;
	VolumePool &operator=(const VolumePool &) = delete;

	bool open() { return !tbk_pool_open(&device, 0, &pool, nullptr); }
	void close()
	{
		if (pool)
			tbk_pool_close(pool, nullptr);
		pool = nullptr;
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	bool is_ok = false;
};

/* A guest that has a volume or a snapshot, connected. */
struct VolumeDisk {
	VolumeDisk(struct tbk_pool *pool, const char *name, const char *snapshot,
		   const GuestLayout &layout = {})
		: volume(open(pool, name, snapshot)), guest({ volume, nullptr, 0, 0, 0, 1 })
	{
		guest.connect(xen::Abi::x86_64, xen::State::initialised, layout);
		is_connected = guest.wait_for(xen::State::connected);
	}
	~VolumeDisk()
	{
		guest.leave();
		tbk_volume_close(volume);
	}
	VolumeDisk(const VolumeDisk &) = delete;
	VolumeDisk &operator=(const VolumeDisk &) = delete;

	static struct tbk_volume *open(struct tbk_pool *pool, const char *name,
				       const char *snapshot)
	{
		struct tbk_volume *volume = nullptr;

		(void)tbk_volume_open(pool, name, snapshot, 0, &volume, nullptr);
		return volume;
	}

	int ask(const GuestIo &io)
	{
		GuestReply reply = {};

		guest.put(io);
		guest.kick();
		return guest.take(reply) && reply.id == io.id ? reply.status : 99;
	}

	/* Fills a page's worth at @at with @value. */
	int write(u64 at, u8 value)
	{
		const u32 page = guest.grant(true);

		memset(guest.page(page), value, xen::page_size);
		return ask({ xen::op_write, 1, at / sector, { page }, 0, 7 });
	}

	/* The value that fills the page at @at, or -1. */
	int read(u64 at)
	{
		const u32 page = guest.grant();

		memset(guest.page(page), 0xee, xen::page_size);
		if (ask({ xen::op_read, 2, at / sector, { page }, 0, 7 }))
			return -1;
		for (u32 i = 1; i < xen::page_size; i++)
			if (guest.page(page)[i] != guest.page(page)[0])
				return -1;
		return guest.page(page)[0];
	}

	int flush() { return ask({ xen::op_flush, 3, 0, {}, 0, 7 }); }

	struct tbk_volume *volume;
	Guest guest;
	bool is_connected = false;
};

} // namespace thinback
