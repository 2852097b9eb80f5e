// SPDX-License-Identifier: GPL-2.0
/* Many snapshots behind one another, many clones beside one another, many volumes. */
#include <algorithm>
#include <vector>

#include "scale.h"

namespace thinback {

namespace {

constexpr u64 blocks_of_4_gib = 4 * gib / 4096;

/* Nanoseconds of one read of 4 KiB, the fastest of some rounds. */
double time_of_read(ScaleVolume &volume, const std::vector<u64> &places)
{
	double best = 1e9;

	for (u32 round = 0; round < 7; round++) {
		const double begun = seconds_now();

		for (const u64 place : places)
			volume.read(place);
		best = std::min(best, (seconds_now() - begun) / static_cast<double>(places.size()));
	}
	return best * 1e9;
}

/* In the cache are the nodes of this volume alone. */
double time_when_opened(ScalePool &pool, const std::vector<u64> &places)
{
	pool.close();
	pool.open();
	ScaleVolume volume(pool, "a");

	return time_of_read(volume, places);
}

std::vector<u64> some_blocks(u64 count, u64 below, u64 seed)
{
	std::mt19937_64 random(seed);
	std::vector<u64> places(count);

	for (u64 &place : places)
		place = random() % below;
	return places;
}

} // namespace

void chain_of_1000_snapshots()
{
	/*
	 * Every other block is written: extents do not become one, and the tree is
	 * as large in the end. The others are read: what that costs is the lookup.
	 */
	constexpr u64 part = 20000;
	ScalePool pool(16 * gib);
	std::vector<u64> places = some_blocks(100'000, part, 1);

	for (u64 &place : places)
		place = 2 * place + 1;
	pool.create("a", 4 * gib);
	{
		ScaleVolume volume(pool, "a");

		for (u64 block = 0; block < part; block++)
			volume.write(block * 7919 % part * 2);
	}
	pool.snapshot("a", "s0");
	const double before = time_when_opened(pool, places);

	for (u32 depth = 1; depth < 1000; depth++) {
		{
			ScaleVolume volume(pool, "a");

			for (const u64 block : some_blocks(20, part, depth))
				volume.write(block * 2);
		}
		pool.snapshot("a", "s" + std::to_string(depth));
	}
	const double after = time_when_opened(pool, places);

	say("a lookup: %.0f ns with one snapshot behind, %.0f ns with 1000 (%.3f)", before, after,
	    after / before);
	pool.close();
	pool.check();
}

void clones_10000_removed_in_any_order()
{
	constexpr u32 clones = 10000;
	ScalePool pool(64 * gib);
	std::vector<u32> order(clones);
	const u64 empty = pool.free_when_settled();

	pool.create("base", 4 * gib);
	{
		ScaleVolume base(pool, "base");

		for (u64 block = 0; block < blocks_of_4_gib / 8; block += 256)
			base.write(block, 256);
	}
	pool.snapshot("base", "v1");
	const u64 before = pool.free_when_settled();
	const double begun = seconds_now();

	for (u32 i = 0; i < clones; i++) {
		const std::string name = "c" + std::to_string(i);

		order[i] = i;
		pool.clone("base", "v1", name);
		ScaleVolume clone(pool, name);

		for (const u64 block : some_blocks(10, blocks_of_4_gib, i))
			clone.write(block);
	}
	const double made = seconds_now();
	std::mt19937_64 random(1);

	std::shuffle(order.begin(), order.end(), random);
	for (const u32 i : order)
		pool.remove("c" + std::to_string(i));
	const double removed = seconds_now();

	/* The catalog's own nodes are fewer now. */
	if (pool.free_when_settled() != before)
		give_up("%lld bytes did not come back",
			static_cast<long long>(before - pool.free_when_settled()));
	say("10 000 clones, 10 writes each: made in %.1f s, removed in %.1f s, gone after %.1f s more",
	    made - begun, removed - made, seconds_now() - removed);
	pool.remove("base", "v1");
	pool.remove("base");
	if (pool.free_when_settled() != empty)
		give_up("the pool is not empty");
	pool.close();
	pool.check();
}

namespace {

void say_shares(const struct tbk_pool_info &info)
{
	const double metadata = static_cast<double>(info.metadata);
	const double data = static_cast<double>(info.size - info.free) - metadata;

	say("%.1f %% of the device is data; metadata is %.3f %% of that",
	    100 * data / static_cast<double>(info.size), 100 * metadata / data);
	if (metadata > 0.005 * data)
		give_up("metadata is more than 0.5 %% of the data");
	if (data < 0.985 * static_cast<double>(info.size))
		give_up("less than 98.5 %% of the device is data");
}

/* Writes a sixteenth of the volume's pieces, in no order; false when there is no more room. */
bool fill_some(ScaleVolume &volume, const std::vector<u64> &pieces, u64 first)
{
	const u64 size = blocks_of_4_gib / pieces.size();

	for (u64 i = 0; i < pieces.size() / 16; i++) {
		if (!volume.try_write(pieces[(first + i) % pieces.size()] * size, size))
			return false;
	}
	return true;
}

/*
 * The wish of 2004: 100 guests with "4 GB of disk" on 100 GB, which they fill to
 * a quarter, evenly and at random places, @piece bytes at a time, as far as it goes.
 */
void fleet(u64 piece)
{
	constexpr u32 volumes = 100;
	ScalePool pool(100 * gib);
	std::vector<u64> pieces(4 * gib / piece);
	std::mt19937_64 random(1);
	const double begun = seconds_now();
	bool has_room = true;

	for (u64 i = 0; i < pieces.size(); i++)
		pieces[i] = i;
	std::shuffle(pieces.begin(), pieces.end(), random);
	for (u32 i = 0; i < volumes; i++)
		pool.create("v" + std::to_string(i), 4 * gib);
	for (u32 turn = 0; turn < 4 * volumes && has_room; turn++) {
		const u32 which = turn % volumes;
		ScaleVolume volume(pool, "v" + std::to_string(which));

		has_room = fill_some(volume, pieces,
				     which * 7919ull + turn / volumes * (pieces.size() / 16));
	}
	pool.free_when_settled();
	say("100 volumes of 4 GiB on 100 GiB, written %llu KiB at a time at random: %.1f s",
	    static_cast<unsigned long long>(piece / kib), seconds_now() - begun);
	say_shares(pool.info());
	pool.close();
	pool.check();
}

} // namespace

void fleet_of_100_volumes()
{
	fleet(64 * kib);
}

void fleet_of_100_volumes_in_pieces_of_16_kib()
{
	fleet(16 * kib);
}

} // namespace thinback
