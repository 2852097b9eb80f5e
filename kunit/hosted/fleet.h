/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <thinback/entry.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"

namespace thinback {

/* Requests of a block, many at a time. */
class Requests {
public:
	Requests() { tbk_wait_init(&wait_); }
	~Requests() { wait_for_all(); }
	Requests(const Requests &) = delete;
	Requests &operator=(const Requests &) = delete;

	/* Takes a request of @block on its way; waits while there are @most. */
	void ask(struct tbk_volume *volume, u32 op, u64 block, u32 most);
	void wait_for_all() { wait_until(0); }

	u32 errors = 0;
	u64 writes = 0; /* asked for */
	/* How long each took, in virtual time; not of flushes. */
	std::vector<u64> took;

private:
	struct Slot {
		struct tbk_request request {};
		Requests *owner = nullptr;
		u64 begun = 0;
		std::unique_ptr<u8[]> block;
	};

	void wait_until(u32 left);
	static void done(struct tbk_request *request);
	static int is_low(void *self);

	std::vector<std::unique_ptr<Slot>> slots_;
	std::vector<Slot *> idle_;
	struct tbk_wait wait_ {};
	u32 in_flight_ = 0;
	u32 wanted_ = 0;
};

/* A pool with open volumes v0, v1, ... */
class Fleet {
public:
	Fleet(u64 bytes, const MemoryDevice::Options &options, u32 volumes, u64 volume_bytes);
	~Fleet();
	Fleet(const Fleet &) = delete;
	Fleet &operator=(const Fleet &) = delete;

	bool is_ok() const { return is_ok_; }
	struct tbk_pool_info info() const;
	/* As tbk_pool_tune(), one thing. */
	int tune(u32 what, u64 bytes) const;

	void ask(u32 volume, u32 op, u64 block, u32 most)
	{
		requests.ask(volumes_[volume], op, block, most);
	}
	struct tbk_volume *volume(u32 index) const { return volumes_[index]; }
	/* One more open volume, or one less. */
	bool open();
	void close();

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	Requests requests;

private:
	bool is_ok_ = false;
	std::vector<struct tbk_volume *> volumes_;
};

} // namespace thinback
