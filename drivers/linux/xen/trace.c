// SPDX-License-Identifier: GPL-2.0
/* What rings tell whoever looks. */
#include "../trace.h"
#include "ring.h"

void tbk_trace_taken(const struct tbk_xen_ring *xr, const struct tbk_trace_request *request)
{
	trace_request_taken(&xr->xen->guest, xr->index, request);
}

void tbk_trace_answered(const struct tbk_xen_ring *xr, const struct tbk_trace_request *request)
{
	trace_request_answered(&xr->xen->guest, xr->index, request);
}

void tbk_trace_grants(const struct tbk_xen_ring *xr, enum tbk_grants_trace what, tbk_u32 count)
{
	trace_grants(&xr->xen->guest, xr->index, what, count);
}
