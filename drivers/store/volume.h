/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/lock.h>
#include <thinback/entry.h>
#include <thinback/io_stats.h>

#include "allowance.h"
#include "extents.h"

namespace thinback {

class VolumeIo;

/* A name as it is given and stored: 1 to 63 characters. */
struct Name {
	char text[format::name_size] = {};

	/* bad_argument, name_too_long. */
	static Result<Name> parse(const char *text);
	bool is(const char *other) const;
	friend bool operator==(const Name &a, const Name &b) { return a.is(b.text); }
};

/*
 * A volume or a snapshot, as the catalog knows it. Owned by Catalog; those who
 * found it under the catalog's lock keep it alive by `opens`.
 */
class Volume {
public:
	explicit Volume(u32 number) : id(number), tree(format::TreeKind::extents, number) {}
	Volume(const Volume &) = delete;
	Volume &operator=(const Volume &) = delete;

	/* Together, since a replay looks at them for each record. */
	const u32 id;
	u32 flags = 0; /* format::catalog_*; guarded by the catalog's lock */

private:
	Atomic<u64> size_;

public:
	/* Guarded by the catalog's lock. */
	Name name;
	Name of; /* snapshots: the volume it was taken of */
	u8 uuid[16] = {};
	Volume *parent = nullptr;
	u32 children = 0;
	u64 created = 0;
	u64 generation = 0; /* snapshots: when it was taken */
	u32 opens = 0;
	VolumeIo *io = nullptr; /* while opens > 0 */
	IoStats stats;	    /* from the first time it was opened on; its counters are anyone's */
	bool stuck = false; /* removed, and cannot be read: left as it is */

	bool is_snapshot() const { return (flags & format::catalog_snapshot) != 0; }
	/* In bytes, as disks of it have it; never changes. */
	u32 sector() const
	{
		return (flags & format::catalog_large_sectors) != 0 ? format::block_size : 512;
	}
	bool is_gone() const
	{
		return (flags & (format::catalog_hidden | format::catalog_removing)) != 0;
	}

	/* In blocks. Changed under the catalog's lock, read without. */
	u64 size() const { return size_.load_relaxed(); }
	void set_size(u64 blocks) { size_.store_relaxed(blocks); }

	/* Orders changes of the tree; never held while waiting for a checkpoint. */
	Mutex lock{ TBK_RANK_VOLUME };
	Tree tree; /* lookups go by its seq */
	Usage usage TBK_GUARDED_BY(lock);
	Allowance allowance; /* follows usage */

	/* The epoch that the changes since the last seal belong to, 0 for none. */
	u64 epoch TBK_GUARDED_BY(lock) = 0;
	/* The last epoch that changed it: a flush waits for this one. */
	Atomic<u64> changed;
	ListLink dirty; /* in the checkpointer's list, guarded by its lock */
};

} // namespace thinback
