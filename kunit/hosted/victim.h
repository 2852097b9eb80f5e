/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <vector>

#include "../harness/shared/random.h"
#include "journal_rig.h"

namespace thinback {

/* What a block of metadata is. */
enum class Kind { superblock, summary, bitmap, journal, catalog, leaf, branch };
constexpr u32 kinds = 7;

/* A volume with a snapshot, a clone, and records in the journal; stopped as by a power cut. */
class Victim {
public:
	Victim();

	/* Whether there are some of each kind. */
	bool is_ok() const;
	/* As it was, but for some bits of one block: of each kind in turn. */
	Kind spoil(Random &random);
	/* How many of each kind were spoiled so far. */
	void tell() const;
	void restore() { rig.device.copy_from(image_); }
	/* Whether all that can be read of @volume is what was written. */
	bool reads_right(const char *volume, const char *snapshot, bool may_be_old);

	static constexpr u64 blocks = 300;

	JournalRig rig;

private:
	static u64 value_in(const char *volume, u64 block);
	void find_metadata();

	MemoryDevice image_;
	std::vector<u64> metadata_[kinds];
	u64 spoiled_ = 0;
};

} // namespace thinback
