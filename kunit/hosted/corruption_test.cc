// SPDX-License-Identifier: GPL-2.0
/*
 * Bits that have changed on the disk, in any block of metadata: what is read
 * is right or an error, whatever else is asked of the pool does no harm.
 */
#include <string.h>

#include <vector>

#include <thinback/format/node.h>

#include "../harness/check.h"
#include "../harness/shared/random.h"
#include "journal_rig.h"

using namespace thinback;

namespace {

constexpr u64 blocks = 300;
constexpr u64 block_bytes = 4096;

/* A volume with a snapshot, a clone, and records in the journal; stopped as by a power cut. */
class Victim {
public:
	Victim();

	bool is_ok() const { return !metadata_.empty(); }
	/* As it was, but for some bits of one block, whose magic it returns. */
	u32 spoil(Random &random);
	void restore() { rig.device.copy_from(image_); }
	/* Whether all that can be read of @volume is what was written. */
	bool reads_right(const char *volume, const char *snapshot, bool may_be_old);

	JournalRig rig;

private:
	static u64 value_in(const char *volume, u64 block);
	void find_metadata();

	MemoryDevice image_;
	std::vector<u64> metadata_;
};

Victim::Victim() : image_(rig.device.size())
{
	for (u64 block = 0; block < blocks; block++)
		rig.write(block * 2, block + 1);
	(void)tbk_snapshot_create(rig.pool, "disk", "s", nullptr);
	(void)tbk_clone_create(rig.pool, "disk", "s", "clone", 0, nullptr);
	rig.turn_to("clone", nullptr);
	for (u64 block = 0; block < blocks; block += 4)
		rig.write(block * 2, block + 1001);
	rig.turn_to("disk", nullptr);
	/* Both copies of the superblock are there after this. */
	(void)tbk_pool_settle(rig.pool);
	for (u64 block = 0; block < blocks; block += 10)
		rig.write(block * 2, block + 2001);
	(void)rig.flush();
	rig.stop();
	image_.copy_from(rig.device);
	find_metadata();
}

void Victim::find_metadata()
{
	for (u64 block = 0; block < image_.size() / block_bytes; block++) {
		format::BlockHeader header = {};

		image_.read(block * block_bytes, &header, sizeof(header));
		if ((header.magic.get() & 0xffffff) == (format::node_magic & 0xffffff) &&
		    header.self.get() == block)
			metadata_.push_back(block);
	}
}

u32 Victim::spoil(Random &random)
{
	const u64 block = metadata_[random.below(metadata_.size())];
	const u64 flips = 1 + random.below(3);
	format::BlockHeader header = {};

	restore();
	rig.device.read(block * block_bytes, &header, sizeof(header));
	for (u64 i = 0; i < flips; i++) {
		const u64 at = block * block_bytes + random.below(block_bytes);
		u8 byte = 0;

		rig.device.read(at, &byte, 1);
		byte ^= static_cast<u8>(1u << random.below(8));
		rig.device.write(at, &byte, 1);
	}
	return header.magic.get();
}

u64 Victim::value_in(const char *volume, u64 block)
{
	if (strcmp(volume, "clone") == 0 && block % 4 == 0)
		return block + 1001;
	if (strcmp(volume, "disk") == 0 && block % 10 == 0)
		return block + 2001;
	return block + 1;
}

bool Victim::reads_right(const char *volume, const char *snapshot, bool may_be_old)
{
	rig.turn_to(volume, snapshot);
	for (u64 block = 0; rig.is_ok() && block < blocks; block += 5) {
		const u64 wanted = value_in(snapshot ? "" : volume, block);
		u64 found = 0;

		if (rig.read(block * 2, found) || found == wanted)
			continue;
		if (!may_be_old || found != block + 1)
			return false;
	}
	return true;
}

} // namespace

TBK_TEST(corruption_is_an_error_and_never_a_wrong_byte)
{
	constexpr u64 tries = 6000;
	Victim victim;
	Random random;
	u64 opened = 0;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < tries; i++) {
		/* The journal's last block looks as if it had never been written. */
		const bool may_be_old = victim.spoil(random) == format::journal_magic;

		victim.rig.start();
		if (!victim.rig.pool)
			continue;
		opened++;
		CHECK(victim.reads_right("clone", nullptr, false));
		CHECK(victim.reads_right("disk", "s", false));
		CHECK(victim.reads_right("disk", nullptr, may_be_old));
		if (victim.rig.is_ok()) {
			(void)victim.rig.write(random.below(2 * blocks), 1);
			(void)victim.rig.flush();
		}
		victim.rig.stop();
	}
	CHECK(opened > tries / 4);
	CHECK(opened < tries);
	victim.restore();
}

TBK_TEST(corruption_is_found_by_check)
{
	Victim victim;
	Random random;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 4000; i++) {
		const u32 magic = victim.spoil(random);
		const std::string said = victim.rig.findings();

		/* Slots that are not in use, and what has never been in use again, may be anything. */
		if (magic == format::node_magic || !said.empty())
			continue;
		victim.rig.start();
		CHECK(victim.rig.is_ok());
		CHECK(victim.reads_right("disk", "s", false));
		victim.rig.stop();
	}
	victim.restore();
	CHECK(victim.rig.findings().empty());
}

TBK_TEST(corruption_of_a_read_only_pool_changes_nothing)
{
	Victim victim;
	Random random;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 500; i++) {
		victim.spoil(random);
		const u64 before = victim.rig.device.counts().writes;

		victim.rig.start(TBK_POOL_READ_ONLY);
		if (victim.rig.pool)
			(void)victim.reads_right("disk", nullptr, true);
		victim.rig.stop();
		CHECK_EQ(victim.rig.device.counts().writes, before);
	}
}
