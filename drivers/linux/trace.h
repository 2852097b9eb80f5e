/* SPDX-License-Identifier: GPL-2.0 */
/* events/thinback/ of tracefs: what the core says in trace.h, as Linux shows it. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM thinback

#if !defined(TBK_LINUX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TBK_LINUX_TRACE_H

#include <linux/tracepoint.h>

#include <thinback/trace.h>

#include "disk.h"

#ifndef TBK_LINUX_TRACE_SWITCHES
#define TBK_LINUX_TRACE_SWITCHES

/* One more, and one fewer, looks at an event: under the kernel's lock of tracepoints. */
#define TBK_TRACE_SWITCH(name)           \
	int tbk_trace_##name##_on(void); \
	void tbk_trace_##name##_off(void)

TBK_TRACE_SWITCH(taken);
TBK_TRACE_SWITCH(answered);
TBK_TRACE_SWITCH(grants);
TBK_TRACE_SWITCH(lookup);
TBK_TRACE_SWITCH(allocate);
TBK_TRACE_SWITCH(commit);
TBK_TRACE_SWITCH(journal);
#endif

/* Events have a layout of their own. */
/* clang-format off */
#define tbk_show_operation(operation) \
	__print_symbolic(operation, { 0, "read" }, { 1, "write" }, { 2, "barrier" }, \
			 { 3, "flush" }, { 5, "discard" }, { 6, "indirect" })

TRACE_EVENT_FN(request_taken,
	TP_PROTO(const struct tbk_disk_guest *guest, u32 ring,
		 const struct tbk_trace_request *request),
	TP_ARGS(guest, ring, request),
	TP_STRUCT__entry(
		__array(char, disk, sizeof_field(struct tbk_disk_guest, vdev))
		__field(u64, id)
		__field(u64, sector)
		__field(u64, bytes)
		__field(int, domid)
		__field(u32, ring)
		__field(u32, operation)
	),
	TP_fast_assign(
		memcpy(__entry->disk, guest->vdev, sizeof(__entry->disk));
		__entry->id = request->id;
		__entry->sector = request->sector;
		__entry->bytes = request->bytes;
		__entry->domid = guest->domid;
		__entry->ring = ring;
		__entry->operation = request->operation;
	),
	TP_printk("disk=%d.%s ring=%u id=%llu op=%s sector=%llu bytes=%llu",
		  __entry->domid, __entry->disk, __entry->ring, __entry->id,
		  tbk_show_operation(__entry->operation), __entry->sector, __entry->bytes),
	tbk_trace_taken_on, tbk_trace_taken_off
);

TRACE_EVENT_FN(request_answered,
	TP_PROTO(const struct tbk_disk_guest *guest, u32 ring,
		 const struct tbk_trace_request *request),
	TP_ARGS(guest, ring, request),
	TP_STRUCT__entry(
		__array(char, disk, sizeof_field(struct tbk_disk_guest, vdev))
		__field(u64, id)
		__field(u64, sector)
		__field(u64, bytes)
		__field(u64, ns)
		__field(int, domid)
		__field(u32, ring)
		__field(u32, operation)
		__field(int, status)
	),
	TP_fast_assign(
		memcpy(__entry->disk, guest->vdev, sizeof(__entry->disk));
		__entry->id = request->id;
		__entry->sector = request->sector;
		__entry->bytes = request->bytes;
		__entry->ns = request->ns;
		__entry->domid = guest->domid;
		__entry->ring = ring;
		__entry->operation = request->operation;
		__entry->status = request->status;
	),
	TP_printk("disk=%d.%s ring=%u id=%llu op=%s sector=%llu bytes=%llu status=%d ns=%llu",
		  __entry->domid, __entry->disk, __entry->ring, __entry->id,
		  tbk_show_operation(__entry->operation), __entry->sector, __entry->bytes,
		  __entry->status, __entry->ns),
	tbk_trace_answered_on, tbk_trace_answered_off
);

TRACE_EVENT_FN(grants,
	TP_PROTO(const struct tbk_disk_guest *guest, u32 ring, u32 what, u32 count),
	TP_ARGS(guest, ring, what, count),
	TP_STRUCT__entry(
		__array(char, disk, sizeof_field(struct tbk_disk_guest, vdev))
		__field(int, domid)
		__field(u32, ring)
		__field(u32, what)
		__field(u32, count)
	),
	TP_fast_assign(
		memcpy(__entry->disk, guest->vdev, sizeof(__entry->disk));
		__entry->domid = guest->domid;
		__entry->ring = ring;
		__entry->what = what;
		__entry->count = count;
	),
	TP_printk("disk=%d.%s ring=%u what=%s count=%u",
		  __entry->domid, __entry->disk, __entry->ring,
		  __print_symbolic(__entry->what, { TBK_GRANTS_MAPPED, "mapped" },
				   { TBK_GRANTS_UNMAPPED, "unmapped" },
				   { TBK_GRANTS_KEPT, "kept" }),
		  __entry->count),
	tbk_trace_grants_on, tbk_trace_grants_off
);

#define TBK_RUN_EVENT(name) \
TRACE_EVENT_FN(name, \
	TP_PROTO(const struct tbk_trace_run *run), \
	TP_ARGS(run), \
	TP_STRUCT__entry( \
		__field(u64, block) \
		__field(u64, target) \
		__field(u32, volume) \
		__field(u32, count) \
	), \
	TP_fast_assign( \
		__entry->block = run->block; \
		__entry->target = run->target; \
		__entry->volume = run->volume; \
		__entry->count = run->count; \
	), \
	TP_printk("volume=%u block=%llu count=%u target=%llu", \
		  __entry->volume, __entry->block, __entry->count, __entry->target), \
	tbk_trace_##name##_on, tbk_trace_##name##_off \
)

TBK_RUN_EVENT(lookup);
TBK_RUN_EVENT(allocate);
TBK_RUN_EVENT(commit);

TRACE_EVENT_FN(journal,
	TP_PROTO(u32 blocks, u64 records, u64 ns, int error),
	TP_ARGS(blocks, records, ns, error),
	TP_STRUCT__entry(
		__field(u64, records)
		__field(u64, ns)
		__field(u32, blocks)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->records = records;
		__entry->ns = ns;
		__entry->blocks = blocks;
		__entry->error = error;
	),
	TP_printk("records=%llu blocks=%u error=%d ns=%llu",
		  __entry->records, __entry->blocks, __entry->error, __entry->ns),
	tbk_trace_journal_on, tbk_trace_journal_off
);
/* clang-format on */

#endif /* TBK_LINUX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
