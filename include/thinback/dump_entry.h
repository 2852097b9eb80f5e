/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool's metadata, told piece by piece; and a pool made of what was told. For
 * the command line: the module has no part of it. As in entry.h; sizes and
 * places count blocks of TBK_BLOCK bytes.
 */
#ifndef TBK_DUMP_ENTRY_H
#define TBK_DUMP_ENTRY_H

#include <thinback/entry.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the superblock says. */
struct tbk_dump_pool {
	char name[TBK_NAME_MAX + 1];
	tbk_u8 uuid[16];
	tbk_u64 blocks;
	tbk_u64 journal_blocks;
	tbk_u64 journal_next; /* number of the journal's oldest block wanted */
	tbk_u64 generation;
	tbk_u64 checkpoint;
	tbk_u64 created; /* seconds since 1970 */
	tbk_u32 next_id;
	tbk_u32 low, critical;	      /* marks, in thousandths; 0 the default */
	tbk_u32 policy, discard_rate; /* as in the superblock */
};

/* A volume or a snapshot; fields as in CatalogRecord, format/node.h. */
struct tbk_dump_object {
	tbk_u32 id;
	tbk_u32 parent; /* id, 0 none */
	tbk_u32 flags;	/* TBK_OBJECT_* */
	char name[TBK_NAME_MAX + 1];
	char volume[TBK_NAME_MAX + 1]; /* snapshots: of which */
	tbk_u8 uuid[16];
	tbk_u64 size;
	tbk_u64 since;
	tbk_u64 generation;
	tbk_u64 own;
	tbk_u64 mapped;
	tbk_u64 created;
	tbk_u64 merged;
	tbk_u64 merge_gone;
	tbk_u64 quota;
	tbk_u64 reserve;
	tbk_u32 on_full;
	tbk_u32 full_wait;
};

enum tbk_dump_state {
	TBK_DUMP_SAME = 0, /* what its parent has there */
	TBK_DUMP_DATA = 1,
	TBK_DUMP_ZERO = 2,
	TBK_DUMP_LOST = 3, /* could not be read */
};

/* A range of a tree. What none is told of is not mapped. */
struct tbk_dump_extent {
	tbk_u64 start; /* virtual */
	tbk_u64 count;
	tbk_u32 state;	/* enum tbk_dump_state */
	tbk_u64 target; /* of data: physical */
	tbk_u64 birth;	/* of data and zeros */
};

/**
 * struct tbk_dump - who is told of a pool
 * @pool: first, once
 * @object: then, of each volume and snapshot, by id
 * @tree: then, of each as well, parents first, by `since` and id: what follows are its extents
 * @extent: in order, not overlapping
 * @lost: what cannot be read, in a sentence; any time after @pool
 * @progress: now and then, of about @total nodes; may be NULL
 * @error: set by any of these to a negative errno, to end the dump with it
 * @context: the caller's
 */
struct tbk_dump {
	void (*pool)(struct tbk_dump *dump, const struct tbk_dump_pool *pool);
	void (*object)(struct tbk_dump *dump, const struct tbk_dump_object *object);
	void (*tree)(struct tbk_dump *dump, tbk_u32 id);
	void (*extent)(struct tbk_dump *dump, const struct tbk_dump_extent *extent);
	void (*lost)(struct tbk_dump *dump, const char *text);
	void (*progress)(struct tbk_dump *dump, tbk_u64 done, tbk_u64 total);
	int error;
	void *context;
};

/*
 * Tells of the pool as it would be once attached: what is in the journal is
 * applied, in memory. Writes nothing. Return: 0, whatever was lost; -EMEDIUMTYPE
 * no superblock; -EPROTO; -EOVERFLOW; -EUCLEAN; -EIO; -ENOMEM; dump->error.
 */
int tbk_pool_dump(struct tbk_device *device, struct tbk_dump *dump, struct tbk_why *why);

/*
 * Where a pool is put together before anything of it is written: a device of
 * the pool's size, zeros at first. @next: the first block from @from on that
 * was written to, or ~0.
 */
struct tbk_scratch {
	struct tbk_device *device;
	tbk_u64 (*next)(struct tbk_scratch *scratch, tbk_u64 from);
	void *context;
};

struct tbk_restore;

#define TBK_RESTORE_LOST \
	1u /* what the dump says is lost counts as not mapped; counters are made anew */

/**
 * tbk_restore_begin() - Make a pool of a dump: tell first of the pool.
 * @scratch: borrowed until tbk_restore_free()
 *
 * Then tell of objects, trees and extents, as a struct tbk_dump is told;
 * tbk_restore_again(); once more of the trees and extents; tbk_restore_check();
 * tbk_restore_write(). All refuse what makes no sense, with -EINVAL and the
 * reason. After a refusal there is only tbk_restore_free().
 */
int tbk_restore_begin(struct tbk_scratch *scratch, const struct tbk_dump_pool *pool, tbk_u32 flags,
		      struct tbk_restore **out, struct tbk_why *why);
int tbk_restore_object(struct tbk_restore *restore, const struct tbk_dump_object *object,
		       struct tbk_why *why);
int tbk_restore_tree(struct tbk_restore *restore, tbk_u32 id, struct tbk_why *why);
int tbk_restore_extent(struct tbk_restore *restore, const struct tbk_dump_extent *extent,
		       struct tbk_why *why);
/* All has been told, and which blocks hold data is known. */
int tbk_restore_again(struct tbk_restore *restore, struct tbk_why *why);
/* All has been told again. Whether what came of it is sound. @check: for progress(); may be NULL. */
int tbk_restore_check(struct tbk_restore *restore, struct tbk_check *check, struct tbk_why *why);
/*
 * Writes it to @device, into blocks in which no data lies; a superblock comes
 * last. Cut off before, the device holds no pool.
 */
int tbk_restore_write(struct tbk_restore *restore, struct tbk_device *device, struct tbk_why *why);
void tbk_restore_free(struct tbk_restore *restore);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TBK_DUMP_ENTRY_H */
