/* SPDX-License-Identifier: GPL-2.0 */
/* What volumes tell whoever looks: see trace.h. */
#pragma once

#include <thinback/trace.h>

#include "group.h"

namespace thinback {

inline struct tbk_trace_run to_traced(u32 volume, u64 block, Run run)
{
	return { .block = block, .target = run.start, .volume = volume, .count = run.count };
}

} // namespace thinback
