/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One entry of a pool: an object that dom0 shows. Shared by entries.c and
 * objects.c alone. All need the pool's lock, held by the caller.
 */
#ifndef TBK_LINUX_ENTRIES_H
#define TBK_LINUX_ENTRIES_H

#include "pools.h"

/* An entry without a disk, in sysfs if it is a volume. Return: an ERR_PTR on failure. */
struct tbk_entry *tbk_entry_add(struct tbk_attached *in, const struct tbk_object_info *info);
/* Away with it and its disk, which nobody has open. */
void tbk_entry_drop(struct tbk_entry *entry);

/* Give it a disk; take it away, which nobody has open. */
int tbk_entry_map(struct tbk_entry *entry, const struct tbk_object_info *info);
void tbk_entry_unmap(struct tbk_entry *entry);

/* Add and map, or neither. */
int tbk_entry_show(struct tbk_attached *in, const struct tbk_object_info *info,
		   struct tbk_why *why);

/* Let nobody open the disk; -EBUSY, with who has it in @why. */
int tbk_entry_hold(struct tbk_entry *entry, struct tbk_why *why);
void tbk_entry_unhold(struct tbk_entry *entry);

#endif /* TBK_LINUX_ENTRIES_H */
