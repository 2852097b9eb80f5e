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
	void restore() { rig.device.copy_from(image_); }
	/* Whether all that can be read of @volume is what was written. */
	bool reads_right(const char *volume, const char *snapshot, bool may_be_old);

	static constexpr u64 blocks = 300;

	JournalRig rig;

private:
	static u64 value_in(const char *volume, u64 block);
	void find_metadata();

	MemoryDevice image_;
	std::vector<u64> metadata_;
};

} // namespace thinback
