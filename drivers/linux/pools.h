/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pools that are attached, and what dom0 shows of them: a disk and a
 * folder in sysfs for each volume, a disk for each snapshot that is mapped.
 */
#ifndef TBK_LINUX_POOLS_H
#define TBK_LINUX_POOLS_H

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>

#include <thinback/entry.h>

#include "disk.h"

#define TBK_PATH_SIZE 256

/* An attached pool. Owned by the list in pools.c; verbs borrow it from get to put. */
struct tbk_attached {
	struct list_head list; /* by serial */
	u64 serial;	       /* order of attaching, for cursors */
	unsigned int users;    /* verbs that borrow it; with leaving, under the list's lock */
	bool leaving;	       /* being detached: no new users */

	char name[TBK_NAME_MAX + 1];
	char path[TBK_PATH_SIZE]; /* of the device, as the administrator called it */
	bool read_only;
	struct tbk_device *device;

	struct rw_semaphore open; /* held for reading by those who have no users' count: sysfs */
	struct tbk_pool *pool;	  /* NULL once closed; changed under open */

	struct mutex lock; /* verbs that change entries, one at a time */
	/*
	 * struct tbk_entry by the object's id: changed under lock, read under
	 * lock or the array's own spinlock, which guards entry->disk as well.
	 */
	struct xarray entries;

	struct kobject kobj; /* /sys/fs/thinback/NAME; its last reference frees this */
	struct kobject *volumes;
	struct tbk_pool_listener listener;
};

/* A volume, or a snapshot that is mapped. Owned by the pool's entries. */
struct tbk_entry {
	struct tbk_attached *in;
	u32 id;
	char volume[TBK_NAME_MAX + 1];
	char snapshot[TBK_NAME_MAX + 1]; /* "" for a volume */
	struct tbk_disk *disk;		 /* NULL while not mapped */
	struct kobject kobj; /* volumes only are in sysfs; its last reference frees this */
};

/* ---- pools.c ---- */

/* Borrow the pool of that name; NULL with @why if there is none or it is leaving. */
struct tbk_attached *tbk_attached_get(const char *name, int *err, struct tbk_why *why);
/* The first one attached after @serial, or NULL. */
struct tbk_attached *tbk_attached_next(u64 serial);
void tbk_attached_put(struct tbk_attached *in);

int tbk_attach(const char *path, bool read_only, char name[static TBK_NAME_MAX + 1],
	       struct tbk_why *why);
int tbk_detach(const char *name, struct tbk_why *why);

/* ---- objects.c: verbs on the objects of a borrowed pool ---- */

/* Entries and disks for all volumes of a pool just opened; or none at all. */
int tbk_entries_fill(struct tbk_attached *in, struct tbk_why *why);
void tbk_entries_drop(struct tbk_attached *in);
/* Let nobody open any disk of the pool; -EBUSY with who has one open. */
int tbk_entries_hold(struct tbk_attached *in, struct tbk_why *why);
void tbk_entries_unhold(struct tbk_attached *in);

int tbk_object_create(struct tbk_attached *in, const char *volume, u64 bytes, u32 flags,
		      struct tbk_why *why);
int tbk_object_remove(struct tbk_attached *in, const char *volume, const char *snapshot, u32 flags,
		      struct tbk_why *why);
int tbk_object_rename(struct tbk_attached *in, const char *volume, const char *snapshot,
		      const char *to, struct tbk_why *why);
/* What the volume was becomes snapshot @keep, or with "" goes. */
int tbk_object_rollback(struct tbk_attached *in, const char *volume, const char *snapshot,
			const char *keep, struct tbk_why *why);
int tbk_object_resize(struct tbk_attached *in, const char *volume, u64 bytes, u32 flags,
		      struct tbk_why *why);
int tbk_object_map(struct tbk_attached *in, const char *volume, const char *snapshot,
		   struct tbk_why *why);
int tbk_object_unmap(struct tbk_attached *in, const char *volume, const char *snapshot,
		     struct tbk_why *why);

/* A clone to be; @bytes 0 for the snapshot's own size. */
struct tbk_clone_plan {
	const char *volume;
	const char *snapshot;
	const char *name;
	u64 bytes;
	bool if_missing; /* a volume of that name is taken as it is */
};

int tbk_object_clone(struct tbk_attached *in, const struct tbk_clone_plan *plan,
		     struct tbk_why *why);

/* Who has the object's disk; false if it is not mapped. Does not sleep. */
bool tbk_object_use(struct tbk_attached *in, u32 id, struct tbk_disk_use *use);

/* "/dev/thinback/POOL/VOLUME@SNAP" */
void tbk_object_node(const struct tbk_attached *in, const char *volume, const char *snapshot,
		     char *node, size_t size);

/* ---- sysfs.c ---- */

int tbk_sysfs_init(void);
void tbk_sysfs_exit(void);

/* @in and @entry are kobjects from init on: given up with kobject_put(). */
void tbk_sysfs_init_pool(struct tbk_attached *in);
int tbk_sysfs_add_pool(struct tbk_attached *in);
void tbk_sysfs_remove_pool(struct tbk_attached *in);
void tbk_sysfs_init_volume(struct tbk_entry *entry);
int tbk_sysfs_add_volume(struct tbk_entry *entry);
void tbk_sysfs_remove_volume(struct tbk_entry *entry);

/* ---- control.c ---- */

int tbk_control_init(void);
void tbk_control_exit(void);

#endif /* TBK_LINUX_POOLS_H */
