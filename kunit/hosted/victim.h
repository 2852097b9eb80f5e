/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <vector>

#include "../harness/shared/random.h"
#include "journal_rig.h"

namespace thinback {

/* A volume with a snapshot, a clone, and records in the journal; stopped as by a power cut. */
class Victim {
public:
	Victim();

	bool is_ok() const { return !metadata_.empty(); }
	/* As it was, but for some bits of one block, whose magic it returns. */
	u32 spoil(Random &random);
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
	std::vector<u64> metadata_;
	std::vector<u64> copies_; /* of nodes that have two, both */
};

} // namespace thinback
