/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything the core asks of the world around it. drivers/linux/ answers in
 * the kernel, drivers/hosted/ in a process. Plain C: both languages read it.
 *
 * Errors cross as negative errno. Sectors are of 512 bytes, always.
 */
#ifndef TBK_PLATFORM_H
#define TBK_PLATFORM_H

#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/types.h>
#else
#include <stddef.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned char tbk_u8;
typedef unsigned short tbk_u16;
typedef unsigned int tbk_u32;
typedef unsigned long long tbk_u64;

/* The errno values that cross the boundary; glue asserts they are the kernel's. */
#define TBK_ENOENT 2
#define TBK_EIO 5
#define TBK_EAGAIN 11
#define TBK_ENOMEM 12
#define TBK_EBUSY 16
#define TBK_EEXIST 17
#define TBK_EINVAL 22
#define TBK_ENOSPC 28
#define TBK_EROFS 30
#define TBK_ENAMETOOLONG 36
#define TBK_ENOTEMPTY 39
#define TBK_ENODATA 61 /* of a device: this sector, and not the way to it */
#define TBK_EPROTO 71
#define TBK_EOVERFLOW 75
#define TBK_EOPNOTSUPP 95
#define TBK_ESHUTDOWN 108
#define TBK_EUCLEAN 117
#define TBK_EMEDIUMTYPE 124

/* ---- memory ---- */

enum tbk_alloc {
	TBK_MAY_SLEEP, /* the kernel's GFP_NOIO: never waits for a disk of ours */
	TBK_ATOMIC,    /* never waits; fails sooner */
};

/**
 * tbk_alloc() - Allocate zeroed memory.
 * @size: bytes; a power of two is aligned to itself up to 4096
 * @how:  what the caller can bear
 *
 * Context: as @how says.
 * Return: memory, or NULL.
 */
void *tbk_alloc(size_t size, enum tbk_alloc how);

/**
 * tbk_free() - Give back memory of tbk_alloc().
 * @memory: may be NULL
 *
 * Context: any.
 */
void tbk_free(void *memory);

/**
 * tbk_big_alloc() - Allocate zeroed memory that need not be physically contiguous.
 * @size: bytes; the start is aligned to 4096
 *
 * Context: process; may sleep.
 * Return: memory, or NULL.
 */
void *tbk_big_alloc(size_t size);

/**
 * tbk_big_free() - Give back memory of tbk_big_alloc().
 * @memory: may be NULL
 *
 * Context: process; may sleep.
 */
void tbk_big_free(void *memory);

/* Bytes of memory there are in all. Context: any. */
tbk_u64 tbk_memory_bytes(void);

struct tbk_reserve;

/**
 * tbk_reserve_create() - Make a store of equal objects that never runs dry for long.
 * @name: for /proc/slabinfo and messages
 * @size: bytes of each
 * @least: how many are kept back, so that requests go on when memory is short
 *
 * Context: process; may sleep.
 * Return: the reserve, or NULL.
 */
struct tbk_reserve *tbk_reserve_create(const char *name, size_t size, unsigned int least);
void tbk_reserve_destroy(struct tbk_reserve *reserve);

/**
 * tbk_reserve_take() - Take an object; its content is undefined.
 * @reserve: where from
 *
 * A caller holds at most one object that is not yet on its way to being given back.
 *
 * Context: process; waits for another's return when memory is short.
 * Return: an object, never NULL.
 */
void *tbk_reserve_take(struct tbk_reserve *reserve);

/**
 * tbk_reserve_give() - Give an object back.
 * @reserve: where it came from
 * @object: not NULL
 *
 * Context: any, interrupts included.
 */
void tbk_reserve_give(struct tbk_reserve *reserve, void *object);

/* ---- counters: written often, by all CPUs, and seldom read ---- */

/* An array of numbers, of which each CPU has its own. */
struct tbk_counters;

/**
 * tbk_counters_create() - Make counters.
 * @count: how many
 *
 * Context: process; may sleep.
 * Return: counters, all 0, or NULL.
 */
struct tbk_counters *tbk_counters_create(unsigned int count);
/* @counters may be NULL. Context: process; may sleep. */
void tbk_counters_destroy(struct tbk_counters *counters);
/* Writes only this CPU's memory. Context: any. */
void tbk_counters_add(struct tbk_counters *counters, unsigned int which, tbk_u64 amount);
/* Of all CPUs; what is being added may be in it or not. Context: any. */
tbk_u64 tbk_counters_sum(const struct tbk_counters *counters, unsigned int which);

/* ---- reports ---- */

enum tbk_level { TBK_LOG_ERROR, TBK_LOG_WARNING, TBK_LOG_INFO, TBK_LOG_DEBUG };

/**
 * tbk_log() - Write one line, without a newline in @format, to the kernel's log.
 * @level: how bad
 * @format: as printk's, the plain C part of it
 *
 * Context: any. Errors and warnings are rate limited.
 */
void tbk_log(enum tbk_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * tbk_format() - Print into a buffer, cut to fit, always terminated.
 * @buffer: where
 * @size: of it, not 0
 * @format: as tbk_log()
 *
 * Context: any.
 */
void tbk_format(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * tbk_assert_failed() - Report a broken invariant of the core.
 * @expr: text of the condition
 * @file: source file
 * @line: source line
 *
 * The caller traps right after; not marked noreturn, as objtool would then
 * need to be told.
 *
 * Context: any; does not sleep.
 */
void tbk_assert_failed(const char *expr, const char *file, int line);

/* ---- time, chance, checksums ---- */

/* Monotonic nanoseconds; seconds since 1970. Context: any. */
tbk_u64 tbk_now_ns(void);
tbk_u64 tbk_unix_seconds(void);

/* Fill @buffer with random bytes. Context: process. */
void tbk_random(void *buffer, size_t size);

/**
 * tbk_crc32c() - Continue a CRC-32C over @len bytes at @data.
 * @seed: previous value, or ~0 to start
 * @data: bytes to cover
 * @len:  how many
 *
 * Context: any; does not sleep.
 * Return: the new value, not inverted.
 */
unsigned int tbk_crc32c(unsigned int seed, const void *data, size_t len);

/* ---- locks ---- */

/*
 * Order in which locks may nest, outermost first; each is a lockdep class of
 * its own. Two locks of one rank are never held together.
 */
enum tbk_lock_rank {
	TBK_RANK_GUESTS,  /* mutex: what the disks of each guest have taken */
	TBK_RANK_RECLAIM, /* mutex: one at a time waits for requests to end */
	TBK_RANK_CATALOG, /* mutex: names, ids and parents in one pool; structural changes; the flip of a checkpoint */
	TBK_RANK_VOLUME,     /* mutex: one volume's tree */
	TBK_RANK_TREE,	     /* mutex: the catalog's own tree */
	TBK_RANK_SPACE,	     /* mutex: which groups are loaded, who is at home where */
	TBK_RANK_GROUP,	     /* mutex: one group's bitmaps */
	TBK_RANK_RANGE,	     /* spin, irqs off: writes in flight to unmapped blocks of one volume */
	TBK_RANK_RECORDS,    /* spin: one volume's changes that no flush has asked for yet */
	TBK_RANK_NODE_ORDER, /* spin: the order in which nodes leave the cache */
	TBK_RANK_NODE_CACHE, /* spin: one bucket of the node cache */
	TBK_RANK_DIRTY,	     /* spin: what the next checkpoint will write */
	TBK_RANK_RING,	     /* spin, irqs off: the response side of one ring */
	TBK_RANK_WORK,	     /* spin, irqs off: hand-over lists from completions to workers */
	TBK_RANK_COUNT,	     /* how many */
};

/* Room for a spinlock_t of any kernel configuration; glue asserts it fits. */
struct tbk_spinlock {
	unsigned long opaque[12];
};

struct tbk_mutex {
	unsigned long opaque[24];
};

/**
 * tbk_spin_init() - Make a lock ready for use.
 * @lock: room for it, inside the object it guards
 * @rank: where it nests
 *
 * Context: any; does not sleep.
 */
void tbk_spin_init(struct tbk_spinlock *lock, enum tbk_lock_rank rank);

/* Take and let go. Context: process, for locks that completions never take. */
void tbk_spin_lock(struct tbk_spinlock *lock);
void tbk_spin_unlock(struct tbk_spinlock *lock);

/* The same with interrupts off on this CPU; @flags is what lock returned. Context: any. */
unsigned long tbk_spin_lock_irq(struct tbk_spinlock *lock);
void tbk_spin_unlock_irq(struct tbk_spinlock *lock, unsigned long flags);

/* Complain unless the caller holds @lock. Costs nothing in kernels without lockdep. */
void tbk_spin_assert_held(const struct tbk_spinlock *lock);

/* Mutexes. Context: process; may sleep. tbk_mutex_trylock() returns nonzero when taken. */
void tbk_mutex_init(struct tbk_mutex *mutex, enum tbk_lock_rank rank);
void tbk_mutex_destroy(struct tbk_mutex *mutex);
void tbk_mutex_lock(struct tbk_mutex *mutex);
int tbk_mutex_trylock(struct tbk_mutex *mutex);
void tbk_mutex_unlock(struct tbk_mutex *mutex);
void tbk_mutex_assert_held(const struct tbk_mutex *mutex);

/* ---- RCU ---- */

/* First in an object that readers without a lock may still see. */
struct tbk_rcu {
	unsigned long opaque[2];
};

/* Between the two, what was found stays in memory. Context: any; no sleeping between. */
void tbk_rcu_read_lock(void);
void tbk_rcu_read_unlock(void);

/* Call @free(@rcu) when all readers of now are gone. Context: any; @free must not sleep. */
void tbk_rcu_call(struct tbk_rcu *rcu, void (*free)(struct tbk_rcu *rcu));

/* Wait until every tbk_rcu_call() made so far has run. Context: process; sleeps. */
void tbk_rcu_barrier(void);

/* ---- gates: many pass at once, one may close and wait ---- */

/* A per-CPU reference count (the kernel's percpu_ref) that can be closed and opened again. */
struct tbk_gate {
	unsigned long opaque[16];
};

/* Open from the start. Return: 0 or -ENOMEM. Context: process; may sleep. */
int tbk_gate_init(struct tbk_gate *gate);
/* Context: process; the gate is closed and empty. May sleep. */
void tbk_gate_destroy(struct tbk_gate *gate);
/* Return: nonzero when inside, 0 when closed. Writes only this CPU's memory. Context: any. */
int tbk_gate_enter(struct tbk_gate *gate);
/* Context: any, interrupts included; any CPU. */
void tbk_gate_leave(struct tbk_gate *gate);
/* Let no one in and wait until all have left. One caller at a time. Context: process; sleeps. */
void tbk_gate_close(struct tbk_gate *gate);
/* Let them in again. Context: process. */
void tbk_gate_open(struct tbk_gate *gate);

/* ---- waiting ---- */

struct tbk_wait {
	unsigned long opaque[16];
};

void tbk_wait_init(struct tbk_wait *wait);
/**
 * tbk_wait_until() - Sleep until a condition holds.
 * @wait: woken with tbk_wake() after each change that may matter
 * @holds: the condition; called often, must not sleep
 * @context: for @holds
 *
 * Context: process; sleeps, not interruptible.
 */
void tbk_wait_until(struct tbk_wait *wait, int (*holds)(void *context), void *context);
/* Context: any, interrupts included. The waiter may free @wait once it sees its condition hold under a lock that the waker holds around this call. */
void tbk_wake(struct tbk_wait *wait);

/* ---- work: functions that run in a thread which may sleep ---- */

struct tbk_queue;

struct tbk_work {
	unsigned long opaque[32];
};

/**
 * tbk_queue_create() - Make a set of threads for work of one pool.
 * @name: for ps
 *
 * Different works run at the same time; one work never runs twice at once.
 * Goes on when memory is short.
 *
 * Context: process; may sleep.
 * Return: the queue, or NULL.
 */
struct tbk_queue *tbk_queue_create(const char *name);
/* Waits for all works queued. Context: process; sleeps. */
void tbk_queue_destroy(struct tbk_queue *queue);

void tbk_work_init(struct tbk_work *work, void (*run)(struct tbk_work *work));
/* Queue, unless it waits already; a work that runs now will run once more. Context: any. */
void tbk_work_queue(struct tbk_queue *queue, struct tbk_work *work);
/* The same after @ms milliseconds; a shorter delay pending stays. Context: any. */
void tbk_work_queue_after(struct tbk_queue *queue, struct tbk_work *work, unsigned int ms);
/* Take back and wait for it to end. It may free itself while running only if nobody calls this. Context: process; sleeps. */
void tbk_work_cancel(struct tbk_work *work);

/* ---- payloads: the bytes of a request, of whatever kind ---- */

enum tbk_payload_kind {
	TBK_PAYLOAD_NONE,     /* flush, discard, write zeroes */
	TBK_PAYLOAD_BUFFER,   /* @data: mapped kernel memory of tbk_alloc() or tbk_big_alloc() */
	TBK_PAYLOAD_SEGMENTS, /* @data: struct tbk_segment[@count] */
	TBK_PAYLOAD_BIO,      /* @data: struct bio, the glue's own clone */
};

/* A piece of one page. Borrowed from whoever made the payload. */
struct tbk_segment {
	void *page;	/* struct page */
	tbk_u32 offset; /* in the page; a multiple of 512 */
	tbk_u32 length; /* a multiple of 512 */
};

struct tbk_payload {
	void *data;
	tbk_u32 kind;
	tbk_u32 count;
	tbk_u64 bytes;
};

/* Fill @bytes from @offset with zeros. Context: any. */
void tbk_payload_zero(const struct tbk_payload *payload, size_t offset, size_t bytes);
/* Nonzero if there are only zeros; a guest may change them meanwhile. Context: any. */
int tbk_payload_is_zero(const struct tbk_payload *payload, size_t offset, size_t bytes);
/* Copy out of the payload (what a writer sends) and into it (what a reader gets). Context: any. */
void tbk_payload_get(const struct tbk_payload *payload, size_t offset, void *to, size_t bytes);
void tbk_payload_put(const struct tbk_payload *payload, size_t offset, const void *from,
		     size_t bytes);

/* ---- block devices ---- */

enum tbk_op {
	TBK_OP_READ,
	TBK_OP_WRITE,
	TBK_OP_FLUSH,	     /* no range; all writes that completed before are durable after */
	TBK_OP_DISCARD,	     /* the range's content is not needed */
	TBK_OP_WRITE_ZEROES, /* the range reads as zeros; of volumes only, devices are not asked */
};

#define TBK_IO_PREFLUSH 1u /* flush the device before this write */
#define TBK_IO_FUA 2u	   /* on stable storage when done */
#define TBK_IO_META 4u	   /* metadata: ahead of data in the device's queue */
#define TBK_IO_SYNC 8u	   /* somebody waits */

/**
 * struct tbk_io - one request to a block device
 * @op: enum tbk_op
 * @flags: TBK_IO_*
 * @sector: first, of 512 bytes; aligned to the device's logical block
 * @bytes: length; a multiple of the device's logical block; 0 for a flush
 * @payload: where the bytes are; lives until @done
 * @offset: where in the payload this request's bytes start
 * @done: called once, in any context, interrupts included; may free or reuse @io
 * @error: for @done: 0 or a negative errno
 * @opaque: the device's, from submit to @done
 */
struct tbk_io {
	tbk_u32 op;
	tbk_u32 flags;
	tbk_u64 sector;
	tbk_u64 bytes;
	const struct tbk_payload *payload;
	tbk_u64 offset;
	void (*done)(struct tbk_io *io);
	int error;
	unsigned long opaque[4];
};

/**
 * struct tbk_device_info - what the core must know of a device
 * @bytes: size
 * @logical_block: smallest and alignment of any request, in bytes
 * @physical_block: smallest without read-modify-write inside
 * @volatile_cache: nonzero if a write may be lost without a flush
 * @discard_granularity: bytes; 0 without discard
 * @discard_alignment: bytes from the start to where its first unit begins
 * @read_only: nonzero if it takes no writes
 * @rotational: nonzero if seeks cost
 * @name: for messages
 */
struct tbk_device_info {
	tbk_u64 bytes;
	tbk_u32 logical_block;
	tbk_u32 physical_block;
	tbk_u32 volatile_cache;
	tbk_u32 discard_granularity;
	tbk_u32 discard_alignment;
	tbk_u32 read_only;
	tbk_u32 rotational;
	char name[64];
};

struct tbk_device;

/* submit: cannot fail, errors arrive by done; context: process. */
struct tbk_device_ops {
	void (*submit)(struct tbk_device *device, struct tbk_io *io);
	void (*info)(struct tbk_device *device, struct tbk_device_info *info);
};

/* First in each implementation: the kernel's bdev, a file, memory, a crash recorder. */
struct tbk_device {
	const struct tbk_device_ops *ops;
};

/* Requests between begin and end may be held back and merged. Nest not. Context: process. */
struct tbk_plug {
	unsigned long opaque[12];
};
void tbk_plug_begin(struct tbk_plug *plug);
void tbk_plug_end(struct tbk_plug *plug);

#ifdef __cplusplus
} /* extern "C" */
#endif

/* On in every build: a wrong guess here would be written to a guest's disk. */
#define TBK_ASSERT(cond)                                                            \
	(__builtin_expect(!(cond), 0)                                               \
		 ? (tbk_assert_failed(#cond, __FILE__, __LINE__), __builtin_trap()) \
		 : (void)0)

#endif /* TBK_PLATFORM_H */
