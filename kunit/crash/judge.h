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
	/* @empty: free bytes of the pool when it was new */
	explicit Judge(u64 empty) : empty_(empty) {}

	/*
	 * Recovers @image, compares it with the ledger, checks it; with @thorough
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
	void compare_listing(const Ledger &ledger, u64 cut);
	void compare_disk(const Ledger &ledger, const Disk &disk, u64 cut);
	void compare_sector(const Ledger &ledger, const Disk &disk, u64 sector, u64 cut);
	void learn_disk(Disk &disk);
	void remove_everything();
	void check(MemoryDevice &image);
	void fail(const std::string &what);

	u64 empty_;
	std::string wrong_;
	struct tbk_pool *pool_ = nullptr;
	VolumeReader reader_;
	const u8 *found_ = nullptr; /* the sector that is looked at */
};

} // namespace thinback::crash
