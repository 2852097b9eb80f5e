// SPDX-License-Identifier: GPL-2.0
#include "trace.h"

namespace thinback {
namespace {

HostedTrace *looking;

} // namespace

HostedTrace::HostedTrace()
{
	looking = this;
	tbk_traced = (1u << TBK_TRACE_COUNT) - 1;
}

HostedTrace::~HostedTrace()
{
	tbk_traced = 0;
	looking = nullptr;
}

} // namespace thinback

using namespace thinback;

tbk_u32 tbk_traced;

void tbk_trace_taken(const struct tbk_xen_ring *, const struct tbk_trace_request *request)
{
	looking->taken.push_back(*request);
}

void tbk_trace_answered(const struct tbk_xen_ring *, const struct tbk_trace_request *request)
{
	looking->answered.push_back(*request);
}

void tbk_trace_grants(const struct tbk_xen_ring *, enum tbk_grants_trace what, tbk_u32 count)
{
	looking->grants.push_back({ what, count });
}

void tbk_trace_lookup(const struct tbk_trace_run *run)
{
	looking->lookups.push_back(*run);
}

void tbk_trace_allocate(const struct tbk_trace_run *run)
{
	looking->allocated.push_back(*run);
}

void tbk_trace_commit(const struct tbk_trace_run *run)
{
	looking->committed.push_back(*run);
}

void tbk_trace_journal(tbk_u32 blocks, tbk_u64 records, tbk_u64 ns, int error)
{
	looking->journal.push_back({ blocks, records, ns, error });
}
