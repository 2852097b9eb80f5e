/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cuts the power at every moment that matters of random workloads, and looks at
 * what a disk may hold then.
 *
 * Workloads come in chains: one begins with what a cut in the one before left,
 * so that it starts with a recovery, which is cut as well.
 */
#pragma once

#include <memory>
#include <string>

#include "../harness/options.h"
#include "judge.h"
#include "workload.h"

struct kunit;

namespace thinback::crash {

struct ExplorerOptions {
	MemoryDevice::Options device;
	WorkloadOptions workload;
	struct tbk_pool_policy policy {};
	u64 leave_free = 0; /* bytes; the rest is taken by a volume before. 0: nothing is */
};

class Explorer {
public:
	Explorer(struct kunit *kunit, const ExplorerOptions &options);

	/* As many images as the test program's options say. */
	void run();

private:
	static constexpr u64 device_bytes = 64ull << 20;
	static constexpr u32 rounds = 4;   /* workloads of a chain */
	static constexpr u32 choices = 10; /* images of a moment */

	u64 seed() const;
	void run_chain();
	bool run_workload();
	bool format();
	bool fill(struct tbk_pool *pool);
	void explore();
	bool is_worth(u64 cut) const;
	void look(const CrashReplay &replay, u64 cut, u32 choice);
	bool go_on();
	/* Every other workload: cut at each moment, however few cuts are wanted. */
	bool is_short() const { return round_ % 2 == 0; }
	CrashChoice choice_of(u64 cut, u32 choice) const;
	bool is_wanted(u64 cut, u32 choice) const;
	void fail(const std::string &what);
	std::string place() const;

	struct kunit *const test_;
	const ExplorerOptions options_;
	const u64 wanted_; /* images */
	u64 empty_ = 0;	   /* free bytes of the pool when it was new */
	u64 empty_nodes_ = 0;
	std::unique_ptr<CrashDevice>
		device_; /* new for each chain, which can so be repeated alone */
	Ledger ledger_;
	bool failed_ = false;
	/* Where we are. */
	u64 chain_ = 0;
	u32 round_ = 0;
	CutPlace place_{};
	/* What was done. */
	u64 images_ = 0;
	u64 workloads_ = 0;
	u64 changes_ = 0;
	u64 refused_ = 0;
};

} // namespace thinback::crash
