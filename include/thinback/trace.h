/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core tells whoever looks at it at work: events/thinback/ of tracefs
 * in the kernel, counts in tests. The core asks first whether somebody looks,
 * which is one word read that nobody writes meanwhile. drivers/linux/trace.h
 * says what each event shows.
 */
#ifndef TBK_TRACE_H
#define TBK_TRACE_H

#include <thinback/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tbk_xen_ring;

enum tbk_trace {
	TBK_TRACE_TAKEN,
	TBK_TRACE_ANSWERED,
	TBK_TRACE_GRANTS,
	TBK_TRACE_LOOKUP,
	TBK_TRACE_ALLOCATE,
	TBK_TRACE_COMMIT,
	TBK_TRACE_JOURNAL,
	TBK_TRACE_COUNT, /* how many */
};

/* Of each that somebody looks at, the bit 1 << enum tbk_trace. */
extern tbk_u32 tbk_traced;

/* All of them: context: any. */

/**
 * struct tbk_trace_request - a request of a guest
 * @id: the guest's
 * @operation: as it stands on the ring; of an indirect request, the inner one
 * @sector: first, of 512 bytes; 0 of one that was refused before that was known
 * @bytes: of data, or of what is discarded
 * @status: of the response: 0, or less if it failed
 * @ns: from when it was taken off the ring; 0 of one that was refused
 */
struct tbk_trace_request {
	tbk_u64 id;
	tbk_u64 sector;
	tbk_u64 bytes;
	tbk_u64 ns;
	tbk_u32 operation;
	int status;
};

/* Found sound, and about to be started: @status and @ns say nothing. */
void tbk_trace_taken(const struct tbk_xen_ring *xr, const struct tbk_trace_request *request);
void tbk_trace_answered(const struct tbk_xen_ring *xr, const struct tbk_trace_request *request);

enum tbk_grants_trace {
	TBK_GRANTS_MAPPED,
	TBK_GRANTS_UNMAPPED,
	TBK_GRANTS_KEPT, /* mapped already, from a request before */
};

/* So many pages of the guest at once. */
void tbk_trace_grants(const struct tbk_xen_ring *xr, enum tbk_grants_trace what, tbk_u32 count);

/**
 * struct tbk_trace_run - some blocks of a volume, all in a row
 * @volume: its number
 * @block: the first, in the volume
 * @count: how many
 * @target: the first, on the device; 0: nowhere
 */
struct tbk_trace_run {
	tbk_u64 block;
	tbk_u64 target;
	tbk_u32 volume;
	tbk_u32 count;
};

/* Where they lie was looked up for a request. */
void tbk_trace_lookup(const struct tbk_trace_run *run);
/* Space was taken for them. */
void tbk_trace_allocate(const struct tbk_trace_run *run);
/* They are mapped there now, or, with nowhere, no longer. */
void tbk_trace_commit(const struct tbk_trace_run *run);

/* @records were written to @blocks of the journal; it took @ns. */
void tbk_trace_journal(tbk_u32 blocks, tbk_u64 records, tbk_u64 ns, int error);

#ifdef __cplusplus
} /* extern "C" */

namespace thinback {

inline bool is_traced(enum tbk_trace event)
{
	return __builtin_expect(__atomic_load_n(&tbk_traced, __ATOMIC_RELAXED) & (1u << event), 0);
}

} // namespace thinback
#endif

#endif /* TBK_TRACE_H */
