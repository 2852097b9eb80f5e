/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything the world asks of the core: pools, volumes, requests on them.
 * Called by drivers/linux/ in the kernel, by scripts/ and tests in a process.
 * Plain C: both languages read it.
 *
 * Functions return 0 or a negative errno, and leave in @why one sentence that
 * names the thing and the reason ("tank/web17 is in use: ..."). @why may be NULL.
 * Unless said otherwise: process context, may sleep, no locks held by the caller.
 */
#ifndef TBK_ENTRY_H
#define TBK_ENTRY_H

#include <thinback/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TBK_NAME_MAX 63 /* characters of A-Za-z0-9._- , the first neither '-' nor '.' */
#define TBK_BLOCK 4096u

struct tbk_pool;
struct tbk_volume;

/* Why something was refused, for a person; and, when something helps, what. */
struct tbk_why {
	char text[256];
	char hint[256];
};

/* ---- pools ---- */

#define TBK_POOL_READ_ONLY 1u /* nothing is written, not even what an unclean stop left to do */

/**
 * tbk_pool_open() - Open the pool on a device.
 * @device: exclusively ours; borrowed until tbk_pool_close()
 * @flags: TBK_POOL_*
 * @out: the pool
 * @why: the reason of a refusal
 *
 * Return: 0; -EMEDIUMTYPE no pool there; -EUCLEAN damaged; -EPROTO made by a
 * newer version; -EOVERFLOW the device is smaller than the pool; -EIO; -ENOMEM.
 */
int tbk_pool_open(struct tbk_device *device, tbk_u32 flags, struct tbk_pool **out,
		  struct tbk_why *why);

/**
 * tbk_pool_close() - Write out everything and close.
 * @pool: gone afterwards, whatever is returned, unless -EBUSY
 * @why: the reason of a refusal
 *
 * Return: 0; -EBUSY while a volume is open; -EIO if the last checkpoint failed
 * (the pool is then as it was at the one before).
 */
int tbk_pool_close(struct tbk_pool *pool, struct tbk_why *why);

/* Make everything acknowledged so far durable (a checkpoint). */
int tbk_pool_sync(struct tbk_pool *pool);

#define TBK_POOL_FAILED 1u   /* a write of metadata failed: no more changes until opened again */
#define TBK_POOL_CLEANING 2u /* removed volumes are being freed */

/* How much is left, from best to worst. */
enum tbk_pool_level {
	TBK_LEVEL_OK,
	TBK_LEVEL_LOW,	    /* less than the mark `low` */
	TBK_LEVEL_CRITICAL, /* less than the mark `critical` */
	TBK_LEVEL_FULL,	    /* no block for data that is not reserved */
};

/* All figures are counters, none is a walk. Sizes in bytes. */
enum tbk_scrub_state {
	TBK_SCRUB_IDLE, /* none yet, or it was stopped */
	TBK_SCRUB_RUNNING,
	TBK_SCRUB_DONE,
};

struct tbk_pool_info {
	char name[TBK_NAME_MAX + 1];
	tbk_u8 uuid[16];
	tbk_u64 size;	    /* of the pool on its device */
	tbk_u64 free;	    /* can be given to a volume, or soon: @freeing included */
	tbk_u64 freeing;    /* part of free that waits for a checkpoint or for the cleaner */
	tbk_u64 metadata;   /* superblocks, bitmaps, journal, tree nodes */
	tbk_u64 promised;   /* sum of the volumes' sizes */
	tbk_u64 generation; /* moves on with every snapshot */
	tbk_u64 checkpoint; /* number of the last durable checkpoint */
	tbk_u32 volumes;
	tbk_u32 snapshots;
	tbk_u32 hidden;	  /* removed snapshots that still have children */
	tbk_u32 flags;	  /* TBK_POOL_FAILED, ... */
	tbk_u64 reserved; /* part of free that is kept for volumes with a reserve */
	enum tbk_pool_level level;
	tbk_u32 low, critical; /* marks, in thousandths of size */
	tbk_u32 discard;       /* struct tbk_pool_policy */
	tbk_u32 scrub_freed;
	tbk_u64 discard_rate;
	tbk_u64 cache;					 /* memory of tree nodes */
	tbk_u64 cache_limit, dirty_limit, journal_limit; /* as in struct tbk_pool_tuning */
	tbk_u64 scrub_rate, remove_rate;		 /* the same */
	/* Of the scrub that is under way, or was the last since the pool was opened. */
	enum tbk_scrub_state scrub_state;
	tbk_u64 scrub_done, scrub_total; /* blocks of metadata; the total is an estimate */
	tbk_u64 scrub_found;		 /* things that were damaged */
	tbk_u64 scrub_healed;		 /* of these, those that are sound again */
};
void tbk_pool_describe(struct tbk_pool *pool, struct tbk_pool_info *info);

/**
 * struct tbk_pool_listener - who is told that space runs short
 * @level: the pool has another level now; @free and @size in bytes
 * @quota: a write of @volume was refused for its quota, the first since it was below
 * @context: the caller's
 *
 * Context of both: process, no locks held; they may not call the pool, nor
 * wait for anything that writes to it.
 */
struct tbk_pool_listener {
	void (*level)(void *context, enum tbk_pool_level level, tbk_u64 free, tbk_u64 size);
	void (*quota)(void *context, const char *volume);
	void *context;
};

/* Once; @listener stays until the pool is closed. */
void tbk_pool_listen(struct tbk_pool *pool, const struct tbk_pool_listener *listener);

/*
 * Below how many thousandths of its size a pool is low, and critical; 0 leaves
 * a mark as it is. A level that was left for a worse one is gone back to when 20
 * more are free. Durable when it returns. -EINVAL @critical above @low, or either above 990.
 */
int tbk_pool_marks(struct tbk_pool *pool, tbk_u32 low, tbk_u32 critical, struct tbk_why *why);

/**
 * tbk_pool_grow() - Take up all of a device that has become larger.
 * @pool: may be in use
 * @bytes: out: its size, also when there was nothing to do
 * @why: the reason of a refusal
 *
 * The journal stays as it is. Durable when it returns, and given out no sooner:
 * cut off at any moment, the pool has the old size or the new one.
 *
 * Return: 0; -EOVERFLOW the device is smaller than the pool; -EINVAL the pool is as
 * large as one can be; -EROFS, -ESHUTDOWN the pool has failed, -EIO, -ENOMEM.
 */
int tbk_pool_grow(struct tbk_pool *pool, tbk_u64 *bytes, struct tbk_why *why);

#define TBK_POLICY_DISCARD 1u
#define TBK_POLICY_SCRUB_FREED 2u
#define TBK_POLICY_DISCARD_RATE 4u

/**
 * struct tbk_pool_policy - what is done with freed blocks of data before they are given out again
 * @set: TBK_POLICY_*: what is to change
 * @discard: nonzero: they are discarded on the pool's device, unless blocks are short
 * @scrub_freed: nonzero: they are overwritten with zeros, even if writes have to wait for it
 * @discard_rate: of both, bytes a second, rounded up to MiB; 0 no bound
 */
struct tbk_pool_policy {
	tbk_u32 set;
	tbk_u32 discard;
	tbk_u32 scrub_freed;
	tbk_u64 discard_rate;
};

/* Change it. Durable when it returns. A pool that scrubs is closed when it has. */
int tbk_pool_set_policy(struct tbk_pool *pool, const struct tbk_pool_policy *policy,
			struct tbk_why *why);

#define TBK_TUNE_CACHE 1u
#define TBK_TUNE_DIRTY 2u
#define TBK_TUNE_JOURNAL 4u
#define TBK_TUNE_SCRUB 8u
#define TBK_TUNE_REMOVE 16u

/**
 * struct tbk_pool_tuning - how much a pool may have in memory, and when it writes
 * @set: TBK_TUNE_*: what is to change
 * @cache: most memory of tree nodes, 1 MiB or more
 * @dirty: nodes not yet written at which a checkpoint begins; what is more than
 *         half of @cache counts as that, and a block is the least
 * @journal: how much of the journal may be taken before a checkpoint begins, from
 *           one block to all of it
 * @scrub_rate: what a scrub reads a second, a block or more
 * @remove_rate: leaves of the maps of removed volumes and snapshots that are freed a
 *               second; not while the pool is critical or full
 *
 * In bytes but for the last; 0 is the default: 1/64 of the machine's memory, but 256 MiB at
 * most; a quarter of @cache; half of the journal; 32 MiB; no bound.
 */
struct tbk_pool_tuning {
	tbk_u32 set;
	tbk_u64 cache, dirty, journal, scrub_rate, remove_rate;
};

/* For as long as the pool is open. -EINVAL */
int tbk_pool_tune(struct tbk_pool *pool, const struct tbk_pool_tuning *tuning, struct tbk_why *why);

#define TBK_SCRUB_STOP 1u

/**
 * tbk_pool_scrub() - Begin to read and verify a pool's metadata in the background, or end that.
 * @pool: may be in use, and only be read
 * @flags: 0, or TBK_SCRUB_STOP
 * @why: the reason of a refusal
 *
 * Superblocks, the journal, bitmaps and summaries, and all nodes of all trees. What is
 * damaged and has a sound second copy, or is in memory, is written anew; the rest is told
 * to the log, and counted. One that is under way goes on. It ends when the pool is closed,
 * or fails.
 *
 * Return: 0; -EINVAL; -ESHUTDOWN if the pool has failed.
 */
int tbk_pool_scrub(struct tbk_pool *pool, tbk_u32 flags, struct tbk_why *why);
/* Until none is under way. */
void tbk_pool_scrub_wait(struct tbk_pool *pool);

/* ---- volumes and snapshots ---- */

/* What a write does that needs a block and finds none, in the pool or within the quota. */
enum tbk_on_full {
	TBK_FULL_ERROR, /* fails with ENOSPC */
	TBK_FULL_WAIT,	/* waits so many seconds, then fails */
	TBK_FULL_PAUSE, /* waits until there is space, or the policy is another */
};

#define TBK_OBJECT_SNAPSHOT 1u
#define TBK_OBJECT_HIDDEN 2u	     /* a snapshot that was removed and still has children */
#define TBK_OBJECT_REMOVING 4u	     /* being freed in the background */
#define TBK_OBJECT_LARGE_SECTORS 16u /* shown with sectors of 4096 bytes, else of 512 */

struct tbk_object_info {
	char volume[TBK_NAME_MAX + 1];
	char snapshot[TBK_NAME_MAX + 1];	/* empty for a volume */
	char parent_volume[TBK_NAME_MAX + 1];	/* what it is a clone of, or empty */
	char parent_snapshot[TBK_NAME_MAX + 1]; /* for a snapshot: the snapshot before it */
	tbk_u8 uuid[16];
	tbk_u32 id; /* never used twice in a pool */
	tbk_u32 flags;
	tbk_u64 size;
	tbk_u64 own;	  /* bytes born after the parent: what removing gives back */
	tbk_u64 shared;	  /* bytes mapped that were born before */
	tbk_u64 created;  /* seconds since 1970 */
	tbk_u32 children; /* trees whose parent this snapshot is */
	tbk_u32 open;	  /* how many have it open */
	tbk_u64 quota;	  /* bytes that own may come to, 0 no bound */
	tbk_u64 reserve;  /* bytes that are kept for it, own included */
	enum tbk_on_full on_full;
	tbk_u32 full_wait;     /* seconds, for TBK_FULL_WAIT */
	tbk_u32 waiting;       /* writes that wait for space now */
	tbk_u32 detect_zeroes; /* zeros that are written take no space */
};

/**
 * tbk_pool_next() - List a pool's volumes and snapshots by id.
 * @pool: the pool
 * @after: id of the last one seen, 0 to start
 * @info: filled in
 *
 * Return: 0, or -ENOENT after the last.
 */
int tbk_pool_next(struct tbk_pool *pool, tbk_u32 after, struct tbk_object_info *info);

/* Find one by name; @snapshot NULL or empty for the volume itself. 0 or -ENOENT. */
int tbk_pool_find(struct tbk_pool *pool, const char *volume, const char *snapshot,
		  struct tbk_object_info *info, struct tbk_why *why);

/*
 * The following are durable when they return. Return, besides what is named:
 * -EINVAL a bad name or size, -ENAMETOOLONG, -EEXIST the new name is taken,
 * -ENOENT, -ENOSPC, -EIO, -ENOMEM, -EROFS, -ESHUTDOWN the pool has failed.
 */

/* A new, empty volume of @bytes, a multiple of 4096 (rounded up otherwise). */
int tbk_volume_create(struct tbk_pool *pool, const char *name, tbk_u64 bytes, tbk_u32 flags,
		      struct tbk_why *why);

/* Snapshot of a volume, open or not. Holds up the volume's writes for as long as those in flight take. */
int tbk_snapshot_create(struct tbk_pool *pool, const char *volume, const char *snapshot,
			struct tbk_why *why);

/* A volume that starts as @volume@@snapshot. @bytes 0: of the same size; never smaller. */
int tbk_clone_create(struct tbk_pool *pool, const char *volume, const char *snapshot,
		     const char *name, tbk_u64 bytes, struct tbk_why *why);

#define TBK_REMOVE_RECURSIVE 1u /* the volume's snapshots too */

/*
 * Remove a volume (@snapshot NULL or empty) or a snapshot. Space comes back in
 * the background. -EBUSY open; -ENOTEMPTY it has snapshots and no RECURSIVE.
 * A snapshot with children is hidden and keeps what they need.
 */
int tbk_remove(struct tbk_pool *pool, const char *volume, const char *snapshot, tbk_u32 flags,
	       struct tbk_why *why);

/* Give a volume (@snapshot NULL or empty) or a snapshot another name. -EBUSY it, or a snapshot of it, is open. */
int tbk_rename(struct tbk_pool *pool, const char *volume, const char *snapshot, const char *to,
	       struct tbk_why *why);

/*
 * Make a volume what its snapshot is, size included. What it was becomes its
 * snapshot @keep, or, with NULL or empty, is removed. It has another id then.
 * -EBUSY it is open. Later snapshots stay.
 */
int tbk_rollback(struct tbk_pool *pool, const char *volume, const char *snapshot, const char *keep,
		 struct tbk_why *why);

#define TBK_RESIZE_SHRINK 1u /* what lies past the new end may go */

/*
 * Change a volume's size, open or not. What was cut off reads as zeros when it
 * grows again. Requests past a new end fail. -EINVAL smaller and no SHRINK.
 */
int tbk_volume_resize(struct tbk_pool *pool, const char *volume, tbk_u64 bytes, tbk_u32 flags,
		      struct tbk_why *why);

#define TBK_LIMIT_QUOTA 1u
#define TBK_LIMIT_RESERVE 2u
#define TBK_LIMIT_ON_FULL 4u
#define TBK_LIMIT_DETECT_ZEROES 256u
#define TBK_LIMIT_ALL 263u

#define TBK_FULL_WAIT_MAX 3600u

struct tbk_volume_limits {
	tbk_u32 set; /* TBK_LIMIT_*: what is to change */
	tbk_u32 on_full;
	tbk_u32 full_wait;     /* seconds, 0 the default of 60 */
	tbk_u64 quota;	       /* bytes, rounded up to blocks; 0 none */
	tbk_u64 reserve;       /* the same */
	tbk_u32 detect_zeroes; /* nonzero: whole blocks of zeros that are written take no space */
};

/*
 * Change a volume's limits, open or not. Clones and snapshots have none of
 * their own. A quota below what it owns stops it from growing. -ENOSPC the
 * reserve is more than is free; -EINVAL.
 */
int tbk_volume_limit(struct tbk_pool *pool, const char *volume,
		     const struct tbk_volume_limits *limits, struct tbk_why *why);

/* Wait until removed volumes and snapshots have been freed and the space is free again. */
int tbk_pool_settle(struct tbk_pool *pool);

#define TBK_OPEN_READ_ONLY 1u

/* Open a volume or a snapshot (always read-only) for requests; as often as wanted. */
int tbk_volume_open(struct tbk_pool *pool, const char *volume, const char *snapshot, tbk_u32 flags,
		    struct tbk_volume **out, struct tbk_why *why);
/*
 * Writes through this handle do not wait for space any more, and those that do
 * end, with ENOSPC: for who is about to wait for all of its requests.
 */
void tbk_volume_leave(struct tbk_volume *volume);
/* They may again. */
void tbk_volume_stay(struct tbk_volume *volume);
/* No request may be in flight. */
void tbk_volume_close(struct tbk_volume *volume);
void tbk_volume_info(struct tbk_volume *volume, struct tbk_object_info *info);
/* Size in bytes. Context: any. */
tbk_u64 tbk_volume_size(struct tbk_volume *volume);
/* What was open, read-only included. Context: any. */
int tbk_volume_read_only(struct tbk_volume *volume);
/* Bytes of a sector, as whoever uses it is to see it: requests of less are served all the same. Context: any. */
tbk_u32 tbk_volume_sector(struct tbk_volume *volume);

/* ---- requests ---- */

/* Flag: the submitter is inside a bio's submission, where waiting for other bios would be for ever. */
#define TBK_REQUEST_QUICK 16u

/**
 * struct tbk_request - one request on a volume or a plain device
 * @op: enum tbk_op
 * @flags: TBK_IO_FUA, TBK_IO_PREFLUSH, TBK_IO_SYNC, TBK_REQUEST_QUICK
 * @sector: first, of 512 bytes
 * @bytes: a multiple of 512; the range must lie inside the volume
 * @payload: the caller's; read until @done for writes, filled before @done for reads
 * @done: called once; any context, interrupts included; may be called before
 *        submit returns; may free or reuse the request
 * @error: for @done: 0 or a negative errno (-EIO, -ENOSPC, -EROFS, -EINVAL, -ENOMEM)
 * @core: the core's, from submit to @done
 *
 * A completed write is durable after the next FLUSH on the same volume, or at
 * once with TBK_IO_FUA.
 */
struct tbk_request {
	tbk_u32 op;
	tbk_u32 flags;
	tbk_u64 sector;
	tbk_u64 bytes;
	struct tbk_payload payload;
	void (*done)(struct tbk_request *request);
	int error;
	unsigned long core[64];
};

/* Context: process, no spinlock held; does not wait for I/O. */
void tbk_volume_submit(struct tbk_volume *volume, struct tbk_request *request);

/* ---- statistics ---- */

enum tbk_stat {
	TBK_STAT_READ,
	TBK_STAT_WRITE,
	TBK_STAT_FLUSH,
	TBK_STAT_DISCARD, /* zeroes included */
	TBK_STAT_COUNT,	  /* how many */
};

#define TBK_LATENCY_BUCKETS 25

/**
 * struct tbk_op_stats - requests of one kind that have ended
 * @bytes: of those that did not fail
 * @errors: that failed
 * @latency: of all, by how long they took: the first less than 1 us, bucket N from
 *           2^(N-1) us to less than 2^N, the last 2^23 us, about 8 s, and more
 */
struct tbk_op_stats {
	tbk_u64 bytes;
	tbk_u64 errors;
	tbk_u64 latency[TBK_LATENCY_BUCKETS];
};

/*
 * Those of a volume, since the pool was opened; of a volume that was rolled back,
 * since then. -ENOENT. Context: process; may sleep.
 */
int tbk_pool_read_stats(struct tbk_pool *pool, const char *volume, enum tbk_stat kind,
			struct tbk_op_stats *stats);

/* ---- offline ---- */

struct tbk_format_options {
	const char *name; /* of the pool */
	tbk_u8 uuid[16];
	tbk_u64 journal_bytes; /* 0: the default for the size */
};

/* Make an empty pool; overwrites. -EINVAL too small or bad name. Nothing before the superblock is valid counts. */
int tbk_pool_format(struct tbk_device *device, const struct tbk_format_options *options,
		    struct tbk_why *why);

enum tbk_finding_class {
	TBK_FINDING_LEAK = 1,	    /* space in use by nobody */
	TBK_FINDING_REPAIRABLE = 2, /* wrong, and what is right can be told */
	TBK_FINDING_DAMAGED = 4,    /* data or metadata is lost, or nobody can tell what is right */
};

/**
 * struct tbk_check - what tbk_pool_check() reports to
 * @found: one finding; @text names the object, the block and what is wrong
 * @progress: now and then; @done of @total blocks of metadata; may be NULL
 * @mended: one thing that tbk_pool_repair() has done, in @text; may be NULL
 * @context: the caller's
 */
struct tbk_check {
	void (*found)(struct tbk_check *check, enum tbk_finding_class kind, const char *text);
	void (*progress)(struct tbk_check *check, tbk_u64 done, tbk_u64 total);
	void (*mended)(struct tbk_check *check, const char *text);
	void *context;
	tbk_u64 memory; /* bytes for maps of what is in use, the rest in further walks; 0: 1 GiB */
	/* Filled in: */
	tbk_u64 volumes, snapshots, nodes, extents, data_blocks, leaked_blocks;
	tbk_u64 copies; /* second ones, of nodes */
	char pool[TBK_NAME_MAX + 1];
	/* For tbk_pool_repair(): */
	tbk_u32 repair;	  /* TBK_REPAIR_* */
	const char *name; /* of a pool whose superblocks are all lost; NULL: "recovered" */
};

#define TBK_REPAIR_DROP 1u /* what cannot be read is given up: its range reads as an error */

/* Verify every invariant without writing. Return: 0 when done, whatever was found; -EMEDIUMTYPE no pool; -ENOMEM; -EIO. */
int tbk_pool_check(struct tbk_device *device, struct tbk_check *check, struct tbk_why *why);

/**
 * tbk_pool_repair() - Mend what a check of class leak or repairable finds.
 * @device: exclusively ours, in no use as a pool
 * @check: of it @mended is called, for what is done and durable
 * @why: the reason of a failure
 *
 * Ends a journal that is damaged where it cannot be replayed any further; other
 * damage stays as it is, unless TBK_REPAIR_DROP asks for it to be given up: then
 * what cannot be read becomes a range that reads as an error until it is written
 * or discarded. Cut off at any moment, the pool is as before, or mended, or some
 * of it given up and its space not yet free. What is left over is for another
 * check to tell. Writes nothing if there is nothing to mend.
 *
 * A pool that has lost all superblocks is looked for on the whole device, with
 * @check's progress; if not enough of it is left, @found says so.
 *
 * Return: 0; -EMEDIUMTYPE no pool; -EROFS; -ENOMEM; -EIO.
 */
int tbk_pool_repair(struct tbk_device *device, struct tbk_check *check, struct tbk_why *why);

/* Is there a pool? Fills @info's name, uuid, size. 0 or -EMEDIUMTYPE, -EIO. */
int tbk_probe(struct tbk_device *device, struct tbk_pool_info *info);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TBK_ENTRY_H */
