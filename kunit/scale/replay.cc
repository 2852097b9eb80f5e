// SPDX-License-Identifier: GPL-2.0
/* Opening takes as long as its journal is, however many volumes and terabytes. */
#include <string.h>

#include <algorithm>
#include <vector>

#include <thinback/format/journal.h>
#include <thinback/format/space.h>

#include "../../drivers/store/superblock.h"
#include "../../drivers/store/sync_io.h"
#include "scale.h"

namespace thinback {

namespace {

using format::JournalBlock;

constexpr u64 million = 1'000'000;
constexpr u64 volume_blocks = 4 * gib / format::block_size;

/* Fills the journal of a closed pool as flushes would have, a block at a time. */
class JournalWriter {
public:
	explicit JournalWriter(MemoryDevice &device) : device_(device)
	{
		if (!read_superblock(device, super_).is_ok())
			give_up("the superblock cannot be read");
		number_ = super_.journal_seq.get();
	}

	void add(u32 volume, u64 block, u64 target)
	{
		format::JournalRecord &record = block_.records[count_++];

		record.place.set(block << 24 | 1);
		record.target.set(static_cast<u64>(format::JournalKind::map) << 48 | target);
		record.volume.set(volume);
		record.epoch.set(static_cast<u32>(super_.header.checkpoint.get() + 1));
		if (count_ == format::journal_capacity)
			end_block();
	}

	void end_block()
	{
		const u64 at = format::journal_start + number_ % super_.journal_blocks.get();

		block_.header.magic.set(format::journal_magic);
		block_.header.self.set(at);
		block_.header.pool.set(super_.header.pool.get());
		block_.header.checkpoint.set(super_.header.checkpoint.get());
		block_.header.count.set(static_cast<u16>(count_));
		block_.header.low.set(number_);
		block_.header.high.set(number_);
		seal_block(&block_);
		device_.write(at * format::block_size, &block_, format::block_size);
		number_++;
		count_ = 0;
		block_ = {};
	}

private:
	MemoryDevice &device_;
	format::Superblock super_{};
	JournalBlock block_{};
	u64 number_ = 0;
	u32 count_ = 0;
};

double time_to_open(ScalePool &pool)
{
	const double begun = seconds_now();

	pool.open();
	return seconds_now() - begun;
}

/* A million first writes of 4 KiB at random places, flushed and not in a checkpoint, of @volumes volumes. */
void replay(u32 volumes)
{
	ScalePool pool(64 * gib, 64 * mib);
	std::mt19937_64 random(volumes);
	std::vector<u64> places(million);

	for (u32 i = 0; i < volumes; i++)
		pool.create("v" + std::to_string(i), 4 * gib);
	const u32 first_id = pool.find("v0").id;

	pool.close();
	for (u64 i = 0; i < million; i++)
		places[i] = i;
	std::shuffle(places.begin(), places.end(), random);
	JournalWriter journal(pool.device);
	const u64 per_volume = million / volumes;

	/* Of each 64 KiB of a volume one block of four: what is alone makes the largest tree. */
	for (u64 i = 0; i < million; i++) {
		const u64 volume = places[i] / per_volume;
		const u64 block = places[i] % per_volume * 7919 % volume_blocks;
		const u64 group = 1 + places[i] / 200'000;
		const u64 target = group * format::group_blocks + 60'000 + places[i] % 200'000;

		journal.add(first_id + static_cast<u32>(volume), block, target);
	}
	journal.end_block();

	const double took = time_to_open(pool);
	u64 own = 0;

	for (u32 i = 0; i < volumes; i++)
		own += pool.find("v" + std::to_string(i)).own;
	if (own != million * format::block_size)
		give_up("%llu bytes are there after the replay",
			static_cast<unsigned long long>(own));
	say("1 000 000 records of %u volumes: opened in %.2f s", volumes, took);
	pool.close();
	pool.check();
}

} // namespace

void replay_of_a_million_records()
{
	replay(1);
	replay(10);
	replay(10000);
}

void opening_100_tib_with_10000_volumes()
{
	constexpr u32 volumes = 10000;
	ScalePool pool(100 * tib);

	for (u32 i = 0; i < volumes; i++) {
		const std::string name = "v" + std::to_string(i);

		pool.create(name, 10 * tib);
		ScaleVolume volume(pool, name);

		for (u64 k = 0; k < 20; k++)
			volume.write(k * 1'000'003 % (10 * tib / format::block_size));
	}
	pool.close();
	const double took = time_to_open(pool);

	say("100 TiB, 10 000 volumes, %llu bytes used: opened in %.3f s",
	    static_cast<unsigned long long>(pool.info().size - pool.info().free), took);
	pool.close();
}

} // namespace thinback
