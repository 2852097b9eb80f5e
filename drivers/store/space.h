/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/list.h>
#include <thinback/format/space.h>

#include "group.h"
#include "sync_io.h"

namespace thinback {

/* Where a volume's blocks go, kept by the volume, used by Space. Guarded by the group locks it leads to. */
struct Home {
	Atomic<u32> group{ ~0u };
};

struct Want {
	u64 goal = 0;	       /* block to start at if free; 0 for none */
	u32 offset = 0;	       /* of the first block in its 64 KiB neighbourhood */
	u32 count = 1;	       /* fewer may be given */
	bool apart = false;    /* written in sequence: away from others */
	bool metadata = false; /* may use what is kept back */
	u32 spare = 0;	       /* metadata: how many eighths of that it leaves to others */
	bool may_wait = true;  /* may read bitmaps */
	u64 kept = 0;	       /* blocks that others have reserved; not for metadata */
	bool reserved = false; /* was kept for who asks: may use half of what is kept back */
};

/*
 * Who owns which block. A block is given out by take(), which only memory
 * knows of; put in use by use(), which the next checkpoint writes; freed by
 * free(), and given out again only when that checkpoint is durable and no
 * request that may still touch it is in flight.
 */
class Space {
public:
	/* @kept_back: blocks that only metadata may take. */
	static Result<Owned<Space>> open(struct tbk_device &device,
					 const format::Superblock &super);
	/* A summary that cannot be read counts as never written: for replace(), before anything else is asked. */
	static Result<Owned<Space>> open_damaged(struct tbk_device &device,
						 const format::Superblock &super);
	/* Makes @bits, a group's worth, what is in use there from epoch @epoch on, whatever was. */
	Status replace(u64 index, const u64 *bits, u64 epoch) TBK_EXCLUDES(lock_);
	~Space();
	Space(const Space &) = delete;
	Space &operator=(const Space &) = delete;

	/* A run of at least one block; no_space; would_block if bitmaps must be read and may not. */
	Result<Run> take(Home &home, const Want &want) TBK_EXCLUDES(lock_);
	/* Just this run, all of it, as the journal says; bad_records if not all is free. */
	Status take_at(Run run) TBK_EXCLUDES(lock_);
	void give_back(Run run) TBK_EXCLUDES(lock_);

	void use(u64 epoch, Run run) TBK_EXCLUDES(lock_);

	enum class Freed { data, node };
	/*
	 * @data: wait for requests in flight as well. Reads the bitmaps if they are
	 * not there; an I/O error leaves the blocks in use: a leak that check finds.
	 */
	Status free(u64 epoch, Run run, Freed what) TBK_EXCLUDES(lock_);

	/* A node and, unless it is 0, its second copy. What cannot be freed is told to the log. */
	void free_node(u64 epoch, u64 block, u64 mirror) TBK_EXCLUDES(lock_);

	/*
	 * Second copies of nodes: they lie together, in two groups, so that one of
	 * these is never the node's own. prepare_copies() chooses groups when there
	 * are none, or those are full, and reads their bitmaps; take_copy() does not
	 * wait. It takes a block and puts it in use, for the node in block @of; 0
	 * when there is none to spare: they come after nodes, and after reserves.
	 */
	void prepare_copies() TBK_EXCLUDES(lock_);
	u64 take_copy(u64 epoch, u64 of) TBK_EXCLUDES(lock_);

	/* For a checkpoint: write what epoch @epoch changed, say so in @super. @batch is for the caller to wait for. */
	void write(u64 epoch, format::Superblock &super, WriteBatch &batch) TBK_EXCLUDES(lock_);
	/* Epoch @epoch is durable. */
	void durable(u64 epoch) TBK_EXCLUDES(lock_);
	/* Give out again what was freed up to the last durable epoch: begin, let the requests in flight end, end. */
	bool reclaim_begin() TBK_EXCLUDES(lock_);
	/* @sweep: kept for the sweeper, and not given out before it says so. */
	void reclaim_end(bool sweep) TBK_EXCLUDES(lock_);

	/* For the sweeper: at most @most runs of what is kept for it, in no order. */
	u32 take_freed(Run *runs, u32 most) TBK_EXCLUDES(lock_);
	/* What it took may be given out; or is not while the pool is open. */
	void give_freed(Run run) TBK_EXCLUDES(lock_);
	void keep_freed(Run run);
	/* All that it has not taken may be. */
	void give_all_freed() TBK_EXCLUDES(lock_);

	/*
	 * Growing, in space_grow.cc: make_room() first, which may sleep; then grow() from
	 * @from blocks to @blocks, as a change of epoch @epoch, which cannot fail. Nothing
	 * of the new blocks is given out, and geometry() is what it was, until that epoch
	 * is durable. Does nothing if the pool grows already, or is not of that size any more.
	 */
	Status make_room(u64 blocks) TBK_EXCLUDES(lock_);
	void grow(u64 epoch, u64 from, u64 blocks) TBK_EXCLUDES(lock_);

	/*
	 * For a scrub, in space_renew.cc. agrees(): false if memory has other bits as of
	 * @checkpoint, which is durable, than bitmap block @i with @bits; true also where it
	 * cannot tell. renew_*(): the next checkpoint writes the block anew, from memory;
	 * of a bitmap, if that is there.
	 */
	u64 written() const;
	bool has_bitmaps(u64 group) const;
	bool agrees(u64 index, u32 i, u64 checkpoint, const u8 *bits) const TBK_EXCLUDES(lock_);
	void renew_bitmap(u64 index, u32 i) TBK_EXCLUDES(lock_);
	void renew_summary(u64 index);

	u64 free_blocks() const { return free_.load_relaxed(); }
	u64 freeing_blocks() const { return freeing_.load_relaxed(); }
	/* What volumes have reserved and not taken yet; moved on by @delta, which may be less than nothing. */
	u64 reserved() const { return reserved_.load_acquire(); }
	void reserve(u64 delta) { reserved_.fetch_add(delta); }
	/* Blocks that data may take, those reserved included. */
	u64 free_for_data() const
	{
		const u64 free = free_blocks();
		const u64 kept_back = kept_back_.load_relaxed();

		return free > kept_back ? free - kept_back : 0;
	}
	Geometry geometry() const { return { blocks_.load_acquire(), journal_blocks_, pool_ }; }
	/* As Geometry has it. */
	bool is_sound(u64 start, u64 count) const { return geometry().is_sound(start, count); }

private:
	struct Entry {
		Atomic<Group *> group;	      /* NULL until loaded; never unloaded */
		format::SummaryEntry summary; /* as of the last durable checkpoint */
	};
	/* Of a summary block. None moves or goes, so they are read without a lock. */
	struct Entries {
		Entry of[format::groups_per_summary];
		Atomic<u32> renew; /* the next checkpoint writes the summary */
	};
	struct Growth {
		u64 epoch = 0; /* 0: none */
		u64 blocks = 0;
	};

	/* Runs freed, a page of them. */
	struct Chunk {
		ListLink link;
		u32 count = 0;
		Run runs[250];
	};
	using Chunks = List<Chunk, &Chunk::link>;

	explicit Space(struct tbk_device &device) : device_(device) {}
	friend Result<Owned<Space>> make<Space>(struct tbk_device &);

	Status prepare(const format::Superblock &super);
	Status add_entries(const Geometry &geometry);
	Entry &entry(u64 group) const
	{
		Entries *entries = entries_[group / format::groups_per_summary].load_acquire();

		return entries->of[group % format::groups_per_summary];
	}
	Status read_summaries(const format::Superblock &super);
	Status read_summary(u64 index, u8 tag, void *buffer);
	Result<Group *> group(u64 index, bool may_wait) TBK_EXCLUDES(lock_);
	Result<Group *> load(u64 index) TBK_REQUIRES(lock_);
	Status load_bitmaps(Group &group, const format::SummaryEntry &summary, void *block);

	Run take_in(Group &group, const Want &want);
	Run take_goal(const Want &want);
	Result<Run> take_elsewhere(Home &home, const Want &want);
	u64 floor_for(const Want &want) const;
	Run count_taken(Run run, u64 floor);

	/* space_copies.cc */
	struct CopyHome {
		Home home;
		Atomic<u64> next; /* beside the last one; 0: none yet */
		Atomic<u32> full;
	};
	void prepare_copy_home(CopyHome &copies, u64 not_in);
	Run take_copy_at(CopyHome &copies, u64 goal);
	u64 take_copy_in(CopyHome &copies, u64 of);

	void remember(Chunks &chunks, Run run) TBK_REQUIRES(lock_);
	void release(Chunks &chunks) TBK_EXCLUDES(lock_);

	Geometry geometry_in(u64 epoch) TBK_EXCLUDES(lock_);
	Run publish_growth(const Geometry &before, const Geometry &after) TBK_REQUIRES(lock_);
	void end_growth(u64 epoch) TBK_EXCLUDES(lock_);

	bool write_changed(u64 index, u64 epoch, WriteBatch &batch);
	void write_group(u64 index, u64 epoch, u32 changed, WriteBatch &batch);
	void write_summary(u64 index, u64 epoch, format::Superblock &super, WriteBatch &batch);

	struct tbk_device &device_;
	Atomic<u64> blocks_; /* of the pool, as of the last durable checkpoint */
	u64 journal_blocks_ = 0;
	u64 pool_ = 0;
	bool is_damaged_ = false; /* summaries that cannot be read are forgiven */
	Atomic<u64> kept_back_;
	Atomic<u64> free_;    /* clear in the live bitmaps, of groups loaded or not */
	Atomic<u64> freeing_; /* in chunks */
	Atomic<u64> reserved_;
	CopyHome copies_[2];

	Mutex lock_{ TBK_RANK_SPACE };
	Atomic<Entries *> *entries_ = nullptr; /* as many as a superblock has room for */
	Growth growth_ TBK_GUARDED_BY(lock_);
	Chunks data_[2] TBK_GUARDED_BY(lock_); /* freed, by parity of the epoch */
	Chunks nodes_[2] TBK_GUARDED_BY(lock_);
	Chunks settled_ TBK_GUARDED_BY(lock_);	/* durably free; requests may be in flight */
	Chunks draining_ TBK_GUARDED_BY(lock_); /* the same, between reclaim_begin and _end */
	Chunks unswept_ TBK_GUARDED_BY(lock_);	/* none is in flight; for the sweeper */
	u32 next_home_ TBK_GUARDED_BY(lock_) = 0;
};

} // namespace thinback
