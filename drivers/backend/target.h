/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/entry.h>
#include <thinback/xen_entry.h>

#include "../vbd/request.h"

namespace thinback {

/*
 * Data on its way between a guest and what is behind its disk. Filled by the
 * caller up to and including `done`; the rest is the target's.
 */
struct Transfer {
	Operation operation;
	u64 sector;
	u64 bytes; /* of the payload, or to be discarded */
	struct tbk_payload payload;
	/* Called once, in any context; @error is 0 or a negative errno. */
	void (*done)(Transfer &transfer, int error);

	union {
		struct tbk_request request; /* to a volume */
		struct tbk_io io;	    /* to a device */
	};
};

/* What is behind a disk: a volume of a pool, or a plain device. Owns neither. */
class Target {
public:
	Target() = default;

	void open(const struct tbk_vbd_target &behind);
	void close() { behind_ = {}; }
	/* Looks again at what a device is. No request in flight. */
	void refresh();
	/* Looks again how large it is. */
	void measure();
	bool is_open() const { return behind_.volume || behind_.device; }

	/* What the guest is told of the disk. The size is that of now, a device's as last measured. */
	DiskLimits limits() const;
	u32 physical_block() const;
	bool has_volatile_cache() const;
	/* Bytes; 0 if nothing can be discarded. */
	u32 discard_granularity() const;
	u32 discard_alignment() const;
	u32 info_bits() const;

	/* No transfer waits for space until stay(): all are about to be waited for. */
	void leave() const;
	void stay() const;
	/* Context: process; does not wait. */
	void submit(Transfer &transfer) const;

private:
	void submit_to_volume(Transfer &transfer) const;
	void submit_to_device(Transfer &transfer) const;

	struct tbk_vbd_target behind_ {};
	struct tbk_device_info info_ {}; /* of a device, but for its size */
	Atomic<u64> bytes_;		 /* of a device */
};

} // namespace thinback
