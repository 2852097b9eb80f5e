/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <string>
#include <vector>

#include <thinback/entry.h>

#include "../../drivers/hosted/devices.h"
#include "transcript.h"

struct kunit;

namespace thinback {

/* A pool in which volumes and snapshots come, change and go; and what a dump of it is good for. */
class Town {
public:
	struct Disk {
		std::string volume;
		std::string snapshot; /* empty for a volume */
	};

	explicit Town(u64 seed = 1, u64 bytes = 128 << 20);
	~Town();
	Town(const Town &) = delete;
	Town &operator=(const Town &) = delete;

	int open();
	int close();
	/* As a power cut would. */
	void stop();
	int write(const char *name, u64 block, u32 version);
	int write_every(const char *name, u64 from, u64 to, u64 step, u32 version);

	/* Something at random. */
	void step();
	/* Snapshots base@s0, base@s1 and base@s2, of trees of several levels; and a volume `gone`. */
	int fill_for_merge();

	/*
	 * All but data is lost, and the pool made again of @told: it is sound, it
	 * holds what it held, and whatever is removed in whatever order gives back
	 * what it took.
	 */
	void round_trip(struct kunit *test, const Transcript &told);

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;

private:
	std::vector<Disk> disks(struct tbk_pool *of) const;
	bool pick(bool is_snapshot, Disk &picked);
	void change(const Disk &disk);
	void compare(struct kunit *test, struct tbk_pool *mine, struct tbk_pool *theirs);
	void remove_all(struct kunit *test, struct tbk_device &from);

	Random random_;
	u32 names_ = 0;
	u64 empty_ = 0; /* free bytes of the new pool */
};

} // namespace thinback
