// SPDX-License-Identifier: GPL-2.0
/*
 * What others feel of checkpoints: in virtual time, in which code takes none and
 * the device all. A wait for a lock that somebody holds across I/O is seen, and
 * a queue at the device; what the code costs is for scripts/bench.
 */
#include <algorithm>
#include <random>

#include "../hosted/fleet.h"
#include "scale.h"

namespace thinback {

namespace {

constexpr u32 others = 4; /* volumes that read and write in place; one more is written */
constexpr u32 in_flight = 8;
constexpr u64 volume_blocks = 16 * mib / TBK_BLOCK; /* of which requests are made */
constexpr u64 wide_blocks = 2 * gib / TBK_BLOCK;

constexpr u64 filled = 100'000; /* scattered blocks: a thousand leaves */

/* An SSD on SATA: as many at once as its queue is long. */
MemoryDevice::Options modelled()
{
	MemoryDevice::Options options;

	options.asynchronous = true;
	options.keeps_zeros = false;
	options.latency_ns = 80'000;
	options.side_by_side = 32;
	return options;
}

double microseconds(u64 ns)
{
	return static_cast<double>(ns) / 1000;
}

/* Reads, and writes to blocks that are there; the 99th percentile of how long they take. */
u64 percentile(Fleet &fleet, std::mt19937_64 &random, u32 requests)
{
	fleet.requests.wait_for_all();
	fleet.requests.took.clear();
	for (u32 i = 0; i < requests; i++)
		fleet.ask(static_cast<u32>(random() % others),
			  random() % 2 ? TBK_OP_READ : TBK_OP_WRITE, random() % volume_blocks,
			  in_flight);
	fleet.requests.wait_for_all();
	std::sort(fleet.requests.took.begin(), fleet.requests.took.end());
	return fleet.requests.took[fleet.requests.took.size() * 99 / 100];
}

/*
 * What goes on beside: first writes to a volume, each to another leaf, and a
 * checkpoint after the other if @does_sync.
 */
struct Beside {
	bool does_sync = false;
	bool is_over = false;
	u64 writes = 0;
};

/* Every one in another leaf, and beside no other: @index below half of the volume's blocks. */
u64 scattered(u64 index)
{
	return index * 7919 % (wide_blocks / 2) * 2;
}

void fill(Fleet &fleet)
{
	for (u32 volume = 0; volume < others; volume++) {
		for (u64 block = 0; block < volume_blocks; block++)
			fleet.ask(volume, TBK_OP_WRITE, block, 256);
	}
	for (u64 i = 0; i < filled; i++)
		fleet.ask(others, TBK_OP_WRITE, scattered(i), 256);
	fleet.requests.wait_for_all();
	if (tbk_pool_sync(fleet.pool))
		give_up("sync");
}

void write_beside(Fleet &fleet, Beside &beside)
{
	Requests requests;

	for (u64 i = filled; !beside.is_over; i++, beside.writes++)
		requests.ask(fleet.volume(others), TBK_OP_WRITE, scattered(i), in_flight);
}

void sync_beside(Fleet &fleet, Beside &beside)
{
	while (!beside.is_over) {
		hosted_sleep_ms(10);
		if (beside.does_sync && tbk_pool_sync(fleet.pool))
			give_up("sync");
	}
}

void measure()
{
	Fleet fleet(4 * gib, modelled(), others + 1, wide_blocks * TBK_BLOCK);
	std::mt19937_64 random(1);
	Beside beside;

	fill(fleet);
	hosted_spawn("writer", [&] { write_beside(fleet, beside); });
	hosted_spawn("syncer", [&] { sync_beside(fleet, beside); });
	percentile(fleet, random, 20000);
	const u64 before = fleet.info().checkpoint;
	const u64 without = percentile(fleet, random, 20000);
	const u64 between = fleet.info().checkpoint;

	beside.does_sync = true;
	percentile(fleet, random, 20000);
	const u64 data = beside.writes + fleet.requests.writes;
	const u64 begun = fleet.device.counts().writes;
	const u64 with = percentile(fleet, random, 20000);
	const u64 metadata = fleet.device.counts().writes - begun -
			     (beside.writes + fleet.requests.writes - data);
	const u64 checkpoints = fleet.info().checkpoint - between;

	beside.is_over = true;
	fleet.requests.wait_for_all();
	say("others' reads and writes in place, 99th percentile: %.1f us with %llu checkpoints beside, "
	    "%.1f us with %llu (%.3f)",
	    microseconds(without), static_cast<unsigned long long>(between - before),
	    microseconds(with), static_cast<unsigned long long>(checkpoints),
	    static_cast<double>(with) / static_cast<double>(without));
	say("%llu writes of metadata meanwhile", static_cast<unsigned long long>(metadata));
	if (with * 10 > without * 12)
		give_up("checkpoints disturb others");
	hosted_sleep_ms(10);
}

} // namespace

void latency_beside_checkpoints()
{
	if (!hosted_run(measure, { 1, false }))
		give_up("something is left over");
}

} // namespace thinback
