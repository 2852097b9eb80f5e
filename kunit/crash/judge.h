/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <string>

#include "../../drivers/hosted/devices.h"
#include "ledger.h"
#include "volume_reader.h"

namespace thinback::crash {

/* Opens what a power cut left and compares it with what may be there. */
class Judge {
public:
	/* @empty: free bytes of the pool when it was new; @nodes: its nodes then */
	Judge(u64 empty, u64 nodes) : empty_(empty), empty_nodes_(nodes) {}

	/*
	 * Recovers @image, compares it with the ledger, checks it, and whether what is
	 * free is what the check did not come to; with @thorough
	 * removes everything as well, and counts what is free then. What is wrong, or
	 * nothing.
	 */
	std::string judge(MemoryDevice &image, const Ledger &ledger, u64 cut, bool thorough);
	/* Takes down what is there, as the start of another ledger. */
	std::string learn(MemoryDevice &image, Ledger &ledger);

private:
	void open(MemoryDevice &image);
	void close();
	void compare(const Ledger &ledger, u64 cut);
	/* How the listing differs from what it is after so many acts. */
	std::string listing_differs(const Ledger &ledger, u32 acts);
	void compare_disk(const Ledger &ledger, const Disk &disk, const Moment &moment);
	void compare_sector(const Ledger &ledger, const Disk &disk, u64 sector,
			    const Moment &moment);
	void learn_disk(Disk &disk);
	void remove_everything();
	void check(MemoryDevice &image);
	void compare_free(MemoryDevice &image, const struct tbk_check &check);
	void fail(const std::string &what);

	u64 empty_;
	u64 empty_nodes_;
	std::string wrong_;
	struct tbk_pool *pool_ = nullptr;
	VolumeReader reader_;
	const u8 *found_ = nullptr; /* the sector that is looked at */
};

} // namespace thinback::crash
