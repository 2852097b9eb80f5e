/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was asked of a pool and when it was answered, and so what may be found
 * in it after a power cut. Moments are counted in events of the device: what is
 * noted at moment n happened after event n - 1 and before event n.
 *
 * The rules are those of a disk with a volatile cache: what was completed when a
 * flush of the volume began is there when that has ended; what is newer may be
 * there, sector by sector. Structural changes, one at a time, are there when they
 * have returned, and before that as a whole or not at all.
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

/* A structural change: of names, sizes, limits, or which content a name has. */
struct Act {
	u64 begun = 0;
	u64 returned = never;
};

/* When the power goes, and how many of the acts are there. */
struct Moment {
	u64 cut;
	u32 acts;
};

/* A request that changes sectors. */
struct Change {
	u64 begun = 0;
	u64 completed = never;
	u64 durable = never;
	u32 act = 0; /* part of this one: there if it is, and only then */

	/* What needed nothing of the device was begun, done and durable all at once. */
	bool may_be_there(const Moment &at) const
	{
		return act ? act <= at.acts : begun < at.cut || durable <= at.cut;
	}
	bool must_be_there(const Moment &at) const
	{
		return act ? act <= at.acts : durable <= at.cut;
	}
};

/* What a sector was given. */
struct Value {
	u64 serial; /* 0: zeros */
	u32 change;
};

/* What a disk is called and how large it is, from an act on. */
struct Shape {
	u32 act = 0;
	bool exists = true;
	std::string volume;
	std::string snapshot; /* empty for a volume */
	u64 sectors = 0;
	u64 quota = 0, reserve = 0; /* bytes */

	std::string name() const { return snapshot.empty() ? volume : volume + "@" + snapshot; }
};

/* What is written to and read: a volume or a snapshot, whatever it is called. */
struct Disk {
	u32 id = 0;
	u32 pool_id = 0;	   /* what the pool calls it; 0 unknown */
	bool is_filler = false;	   /* only takes up space; what it holds is nobody's business */
	std::vector<Shape> shapes; /* oldest first */
	std::vector<std::vector<Value>> history; /* of each sector, oldest first */

	const Shape &now() const { return shapes.back(); }
	/* NULL: it was not there yet. */
	const Shape *at(u32 acts) const;
	std::string name() const { return now().name(); }
	u64 sectors() const { return now().sectors; }
	bool is_snapshot() const { return !now().snapshot.empty(); }
};

class Ledger {
public:
	Ledger()
	{
		changes.push_back({ 0, 0, 0, 0 });
		acts.push_back({ 0, 0 });
	}

	/* One that was there from the start, or as part of the act that has begun. */
	Disk &add(const std::string &volume, const std::string &snapshot, u64 sectors);
	std::string new_name(const char *prefix) { return prefix + std::to_string(++last_name_); }
	u32 begin_change(u64 now);
	u64 new_serial() { return ++last_serial_; }
	/* Goes on where @before was left, with the same ids, names and serials. */
	void follow(const Ledger &before);

	void begin_act(u64 now) { acts.push_back({ now, never }); }
	/* What the disk is once the act is there; to be filled in. */
	Shape &reshape(Disk &disk);
	void end_act(u64 now) { acts.back().returned = now; }
	/* It was refused. Until then it may have been there all the same. */
	void take_back_act(u64 now);
	/* A change that belongs to the act that has returned last. */
	u32 part_of_act();
	/* How many acts must be there. */
	u32 acts_done(u64 cut) const;
	/* Whether another may be. */
	bool may_have_begun(u32 act, u64 cut) const
	{
		return act < acts.size() && acts[act].begun < cut;
	}

	/* What was completed on @disk and is not yet durable. */
	std::vector<u32> completed(const Disk &disk) const;
	void make_durable(const std::vector<u32> &which, u64 now);

	bool allows(const Disk &disk, u64 sector, u64 serial, const Moment &moment) const;
	/* What it allows, and why, in words: for whoever has to find out. */
	std::string tell(const Disk &disk, u64 sector, const Moment &moment) const;

	std::vector<std::unique_ptr<Disk>> disks;
	std::vector<Change> changes; /* the first: of what was there from the start */
	std::vector<Act> acts;	     /* by number; the first: the start */

private:
	std::string tell_sector(const std::vector<Value> &history, const Moment &moment) const;
	std::string tell_shapes(const Disk &disk) const;

	u32 last_id_ = 0;
	u32 last_name_ = 0;
	u64 last_serial_ = 0;
};

void fill_sector(u8 *to, const Tag &tag);
/* False if it holds anything but one tag, or zeros. */
bool read_tag(const u8 *sector, Tag &tag);

} // namespace thinback::crash
