/* SPDX-License-Identifier: GPL-2.0 */
/* Pools of a size that tests do not have: what a case says are figures, what it checks is exact. */
#pragma once

#include <memory>
#include <random>
#include <string>

#include <thinback/entry.h>

#include "../../drivers/hosted/devices.h"

namespace thinback {

inline constexpr u64 kib = 1 << 10;
inline constexpr u64 mib = kib << 10;
inline constexpr u64 gib = mib << 10;
inline constexpr u64 tib = gib << 10;

/* Ends the case, which has failed. */
[[noreturn]] void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line of what was measured. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Of processor time: whatever else the machine does. The disk takes none. */
double seconds_now();

/*
 * A pool on a sparse disk that keeps no zeros, so that what is written, which
 * is zeros, takes no memory. Whatever goes wrong gives up.
 */
class ScalePool {
public:
	explicit ScalePool(u64 bytes, u64 journal_bytes = 0);
	~ScalePool();
	ScalePool(const ScalePool &) = delete;
	ScalePool &operator=(const ScalePool &) = delete;

	void open();
	void close();
	struct tbk_pool *get() { return pool_; }
	struct tbk_pool_info info();
	/* All that was removed is freed, and can be had again. */
	u64 free_when_settled();

	void create(const std::string &name, u64 bytes);
	void snapshot(const std::string &volume, const std::string &snapshot);
	void clone(const std::string &volume, const std::string &snapshot, const std::string &name);
	void remove(const std::string &volume, const std::string &snapshot = "");
	struct tbk_object_info find(const std::string &volume, const std::string &snapshot = "");

	/* By `thinback check`'s code. */
	void check();

	MemoryDevice device;

private:
	struct tbk_pool *pool_ = nullptr;
};

/* A volume that is open, for requests of zeros, one at a time. */
class ScaleVolume {
public:
	ScaleVolume(ScalePool &pool, const std::string &name);
	~ScaleVolume();
	ScaleVolume(const ScaleVolume &) = delete;
	ScaleVolume &operator=(const ScaleVolume &) = delete;

	void write(u64 block, u64 blocks = 1);
	void read(u64 block, u64 blocks = 1);
	/* False when there is no space for it. */
	bool try_write(u64 block, u64 blocks);

private:
	int request(u32 op, u64 block, u64 blocks);

	struct tbk_volume *volume_ = nullptr;
};

/* The cases; each is a process of its own. */
void replay_of_a_million_records();
void opening_100_tib_with_10000_volumes();
void chain_of_1000_snapshots();
void clones_10000_removed_in_any_order();
void latency_beside_checkpoints();
void fleet_of_100_volumes();
void fleet_of_100_volumes_in_pieces_of_16_kib();

} // namespace thinback
