/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was asked of a pool and when it was answered, and so what may be found
 * in it after a power cut. Moments are counted in events of the device: what is
 * noted at moment n happened after event n - 1 and before event n.
 *
 * The rules are those of a disk with a volatile cache: what was completed when a
 * flush of the volume began is there when that has ended; what is newer may be
 * there, sector by sector. Structural changes are there when they have returned,
 * and before that as a whole or not at all.
 */
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <thinback/base/types.h>

namespace thinback::crash {

constexpr u64 sector_size = 512;
constexpr u64 sectors_per_block = 8;
constexpr u64 never = ~0ull;

/* Fills a sector 32 times over; all zero for zeros. No two writes have the same serial. */
struct Tag {
	u64 serial;
	u32 disk; /* id of the one that was written to */
	u32 sector;
};
static_assert(sizeof(Tag) == 16);

/* A request that changes sectors. */
struct Change {
	u64 begun = 0;
	u64 completed = never;
	u64 durable = never;
};

/* What a sector was given. */
struct Value {
	u64 serial; /* 0: zeros */
	u32 change;
};

/* A volume or a snapshot. */
struct Disk {
	u32 id = 0;
	std::string volume;
	std::string snapshot; /* empty for a volume */
	u64 sectors = 0;
	bool is_filler = false; /* only takes up space; what it holds is nobody's business */
	u64 create_begun = 0;
	u64 created = 0; /* what is 0 was there from the start */
	u64 remove_begun = never;
	u64 removed = never;
	u32 removal = 0;			 /* which call; those of one go together */
	std::vector<std::vector<Value>> history; /* of each sector, oldest first */

	std::string name() const { return snapshot.empty() ? volume : volume + "@" + snapshot; }
	bool is_snapshot() const { return !snapshot.empty(); }
	bool may_exist(u64 cut) const { return (cut > create_begun || !created) && cut < removed; }
	bool must_exist(u64 cut) const { return cut >= created && cut <= remove_begun; }
};

class Ledger {
public:
	Ledger() { changes.push_back({ 0, 0, 0 }); }

	Disk &add(const std::string &volume, const std::string &snapshot, u64 sectors);
	Disk *find(const std::string &volume, const std::string &snapshot) const;
	u32 begin_change(u64 now);
	u64 new_serial() { return ++last_serial_; }
	/* Goes on where @before was left, with the same ids, names and serials. */
	void follow(const Ledger &before);

	/* What was completed on @disk and is not yet durable. */
	std::vector<u32> completed(const Disk &disk) const;
	void make_durable(const std::vector<u32> &which, u64 now);

	/* Index in its history of the newest value that must be there, or have been overtaken. */
	size_t oldest_allowed(const std::vector<Value> &history, u64 cut) const;
	bool allows(const Disk &disk, u64 sector, u64 serial, u64 cut) const;
	/* In words, for whoever has to find out. */
	std::string tell(const Disk &disk, u64 sector, u64 cut) const;

	std::vector<std::unique_ptr<Disk>> disks;
	std::vector<Change> changes; /* the first: of what was there from the start */

private:
	u32 last_id_ = 0;
	u64 last_serial_ = 0;
};

void fill_sector(u8 *to, const Tag &tag);
/* False if it holds anything but one tag, or zeros. */
bool read_tag(const u8 *sector, Tag &tag);

} // namespace thinback::crash
