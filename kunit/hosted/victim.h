/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <vector>

#include "../harness/shared/random.h"
#include "journal_rig.h"

namespace thinback {

/* What a block of metadata is. */
enum class Kind { superblock, summary, bitmap, journal, catalog, leaf, branch };
constexpr u32 kinds = 7;

enum class Damage { bits, bad_sector };

/* A volume with a snapshot, a clone, and records in the journal; stopped as by a power cut. */
class Victim {
public:
	Victim();

	/* Whether there are some of each kind, and nodes with two copies. */
	bool is_ok() const;
	/* As it was, but for some bits of one block, or for all of it: of each kind in turn. */
	Kind spoil(Random &random, Damage damage = Damage::bits);
	/* How many of each kind were spoiled so far. */
	void tell() const;
	/* As it was, but for some bits of one copy of a node that has two. */
	void spoil_copy(Random &random);
	void restore() { rig.device.copy_from(image_); }
	/* Whether @volume holds what was written. */
	bool reads_all(const char *volume, const char *snapshot);
	/* The same, where errors are not wrong. */
	bool reads_right(const char *volume, const char *snapshot, bool may_be_old);

	static constexpr u64 blocks = 300;

	JournalRig rig;

private:
	static u64 value_in(const char *volume, u64 block);
	void find_metadata();
	void flip_some(Random &random, u64 block);

	MemoryDevice image_;
	std::vector<u64> metadata_[kinds];
	std::vector<u64> copies_; /* of nodes that have two, both */
	u64 spoiled_ = 0;
};

/* One bit in the middle of a block. */
inline void flip(MemoryDevice &device, u64 block)
{
	u8 byte = 0;

	device.read(block * 4096 + 2000, &byte, 1);
	byte ^= 1;
	device.write(block * 4096 + 2000, &byte, 1);
}

} // namespace thinback
