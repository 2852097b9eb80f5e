/* SPDX-License-Identifier: GPL-2.0 */
/* What the core tells whoever looks, noted down for tests. */
#pragma once

#include <vector>

#include <thinback/base/types.h>
#include <thinback/trace.h>

namespace thinback {

struct HostedTrace {
	struct Grants {
		enum tbk_grants_trace what;
		u32 count;
	};
	struct Journal {
		u32 blocks;
		u64 records;
		u64 ns;
		int error;
	};

	std::vector<struct tbk_trace_request> taken;
	std::vector<struct tbk_trace_request> answered;
	std::vector<Grants> grants;
	std::vector<struct tbk_trace_run> lookups;
	std::vector<struct tbk_trace_run> allocated;
	std::vector<struct tbk_trace_run> committed;
	std::vector<Journal> journal;

	/* Looks at all events from now on, one object at a time. */
	HostedTrace();
	~HostedTrace();
	HostedTrace(const HostedTrace &) = delete;
	HostedTrace &operator=(const HostedTrace &) = delete;
};

} // namespace thinback
