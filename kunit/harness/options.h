/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

/* A power cut of the crash explorer: which workload, the event before which it came, what was lost. */
struct CutPlace {
	u64 chain;
	u32 round;
	u64 event;
	u32 choice;
};

/* What the command line says to tests that listen. */
struct TestOptions {
	u64 seed = 0;
	u64 cuts = 0;	      /* power cuts a case; 0: as many as the case likes */
	bool has_cut = false; /* this one and no other */
	CutPlace cut{};
};

extern TestOptions test_options;

} // namespace thinback
