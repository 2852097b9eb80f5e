// SPDX-License-Identifier: GPL-2.0
/* Who looks at which event; and what the store tells. */
#define CREATE_TRACE_POINTS
#include "trace.h"

tbk_u32 tbk_traced __read_mostly;

/* The kernel calls these one at a time. */
#define TBK_TRACE_SWITCHES(name, event)                                    \
	int tbk_trace_##name##_on(void)                                    \
	{                                                                  \
		WRITE_ONCE(tbk_traced, tbk_traced | BIT(event));           \
		return 0;                                                  \
	}                                                                  \
	void tbk_trace_##name##_off(void)                                  \
	{                                                                  \
		WRITE_ONCE(tbk_traced, tbk_traced & ~(tbk_u32)BIT(event)); \
	}

TBK_TRACE_SWITCHES(taken, TBK_TRACE_TAKEN)
TBK_TRACE_SWITCHES(answered, TBK_TRACE_ANSWERED)
TBK_TRACE_SWITCHES(grants, TBK_TRACE_GRANTS)
TBK_TRACE_SWITCHES(lookup, TBK_TRACE_LOOKUP)
TBK_TRACE_SWITCHES(allocate, TBK_TRACE_ALLOCATE)
TBK_TRACE_SWITCHES(commit, TBK_TRACE_COMMIT)
TBK_TRACE_SWITCHES(journal, TBK_TRACE_JOURNAL)

void tbk_trace_lookup(const struct tbk_trace_run *run)
{
	trace_lookup(run);
}

void tbk_trace_allocate(const struct tbk_trace_run *run)
{
	trace_allocate(run);
}

void tbk_trace_commit(const struct tbk_trace_run *run)
{
	trace_commit(run);
}

void tbk_trace_journal(tbk_u32 blocks, tbk_u64 records, tbk_u64 ns, int error)
{
	trace_journal(blocks, records, ns, error);
}
