/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cleaner.h"
#include "scrubber.h"
#include "sweeper.h"
#include "volume_io.h"
#include "watch.h"

namespace thinback {

/* The sentence for a person that goes with an Err. */
using Why = struct tbk_why;

/* With the sentence when it is none. @what: "volume" or "snapshot" */
Result<Name> parse_name(const char *text, const char *what, Why *why);
/* Rounded up; with the sentence when no volume can be of that size. */
Result<u64> size_in_blocks(u64 bytes, Why *why);

class Pool;

/* What a repair does to a pool while it is opened; see repair.cc. */
struct Mending {
	/* Instead of those on the device, which are lost. */
	const format::Superblock *super;
	u64 epoch; /* the first that no checkpoint has had; 0: that after the superblock's */
	/* Before anything is taken, freed or replayed. What it changes is of epoch @epoch. */
	Status (*space)(Mending &self, Space &space, u64 epoch);
	/* When what the journal maps has been taken, before it is applied. */
	Status (*volumes)(Mending &self, Pool &pool);
	Err lost; /* why the journal was not replayed to its end, ok if it was */
	u64 replayed;
};

/* An open pool: its parts, and what changes more than one of them. */
class Pool {
public:
	static Result<Owned<Pool>> open(struct tbk_device &device, u32 flags, Why *why);
	/* Only to be closed again: what was mended is durable then. */
	static Result<Owned<Pool>> open_damaged(struct tbk_device &device, Mending &mending,
						u32 flags);
	explicit Pool(struct tbk_device &device);
	~Pool();
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;

	/* Writes out everything. Nothing is open. */
	Status close();

	const char *name() const { return name_.text; }
	void info(struct tbk_pool_info &info);
	Status next(u32 after, struct tbk_object_info &info);
	Status find(const char *volume, const char *snapshot, struct tbk_object_info &info,
		    Why *why);
	Status read_stats(const char *volume, enum tbk_stat kind, struct tbk_op_stats &stats);

	/* pool_change.cc */
	Status create(const char *name, u64 bytes, u32 flags, Why *why);
	Status snapshot(const char *volume, const char *snapshot, Why *why);
	Status clone(const char *volume, const char *snapshot, const char *name, u64 bytes,
		     Why *why);
	Status remove(const char *volume, const char *snapshot, u32 flags, Why *why);

	/* pool_alter.cc */
	Status rename(const char *volume, const char *snapshot, const char *to, Why *why);
	Status rollback(const char *volume, const char *snapshot, const char *keep, Why *why);
	Status resize(const char *volume, u64 bytes, u32 flags, Why *why);

	/* pool_policy.cc */
	Status limit(const char *volume, const struct tbk_volume_limits &asked, Why *why);
	Status set_marks(u32 low, u32 critical, Why *why);
	Status set_policy(const struct tbk_pool_policy &asked, Why *why);
	Status tune(const struct tbk_pool_tuning &asked, Why *why);
	Status scrub(u32 flags, Why *why);

	/* pool_grow.cc */
	Status grow(u64 &bytes, Why *why);

	/* pool_open.cc: a volume for requests */
	Result<Volume *> open_volume(const char *volume, const char *snapshot, Why *why);
	void close_volume(Volume &volume);
	void describe(Volume &volume, struct tbk_object_info &info);

	/* Nothing to do where nothing may be written. */
	Status sync() { return read_only_ ? Status() : checkpointer_->sync(); }
	Status settle();
	/* Gives out again what earlier checkpoints freed. Sleeps until requests in flight have ended. */
	void reclaim() TBK_EXCLUDES(reclaim_lock_);
	/* The same for somebody who wants a block, past those that wait to be swept. */
	void reclaim_now() TBK_EXCLUDES(reclaim_lock_);

	struct tbk_device &device() { return device_; }
	const struct tbk_device_info &device_info() const { return device_info_; }
	struct tbk_queue *queue() { return queue_; }
	struct tbk_reserve *pieces() { return pieces_; }
	struct tbk_reserve *blocks() { return blocks_; }
	bool is_read_only() const { return read_only_; }

	Space &space() { return *space_; }
	NodeCache &cache() { return *cache_; }
	Catalog &catalog() { return *catalog_; }
	Checkpointer &checkpointer() { return *checkpointer_; }
	Journal &journal() { return *journal_; }
	Epochs &epochs() { return epochs_; }
	Watch &watch() { return watch_; }
	Sweeper &sweeper() { return sweeper_; }
	Scrubber &scrubber() { return *scrubber_; }

private:
	Status open_super();
	Status open_parts(const format::Superblock &super);
	Status open_journal(const format::Superblock &super);
	Status may_change(Why *why) const;
	/* It has not failed. */
	Status must_be_whole(Why *why) const;
	Result<u64> blocks_to_have(Why *why);
	Status remove_all(Volume &volume, bool recursive, Why *why) TBK_REQUIRES(catalog_->lock());
	void mark_removed(Volume &volume) TBK_REQUIRES(catalog_->lock());
	void describe_locked(Volume &volume, struct tbk_object_info &info)
		TBK_REQUIRES(catalog_->lock());
	Result<Volume *> add(const Name &name, u64 blocks) TBK_REQUIRES(catalog_->lock());
	void touch(Volume &volume);
	Result<Volume *> add_clone(Volume &origin, const Name &name, u64 blocks)
		TBK_REQUIRES(catalog_->lock());
	/* With the sentence when there is none. */
	Result<Volume *> require(const char *volume, const char *snapshot, Why *why)
		TBK_REQUIRES(catalog_->lock());
	Status require_unused(const Volume &volume, Why *why) const TBK_REQUIRES(catalog_->lock());
	Status rename_all(Volume &volume, const Name &name, Why *why)
		TBK_REQUIRES(catalog_->lock());
	void turn_into_snapshot(Volume &volume, const Name &name) TBK_REQUIRES(catalog_->lock());
	Status read_map(Volume &volume, u64 from) TBK_REQUIRES(catalog_->lock());
	Result<u64> cut_piece(Volume &volume, ExtentEditor &editor, u64 at, u64 end)
		TBK_REQUIRES(catalog_->lock());
	Status cut_off(Volume &volume, u64 blocks) TBK_REQUIRES(catalog_->lock());
	Status shrink(Volume &volume, u64 blocks, bool &is_less, Why *why)
		TBK_REQUIRES(catalog_->lock());
	Status resize_once(const char *volume, u64 blocks, u32 flags, bool &is_less, Why *why);
	void touch_size(Volume &volume, u64 blocks) TBK_REQUIRES(catalog_->lock());
	void apply_limits(Volume &volume, const Limits &limits) TBK_REQUIRES(catalog_->lock());
	void move_limits(Volume &from, Volume &to) TBK_REQUIRES(catalog_->lock());
	Status require_free(const Volume &volume, const Limits &limits, Why *why)
		TBK_REQUIRES(volume.lock);
	void take_snapshot(Volume &origin, Volume &taken) TBK_REQUIRES(catalog_->lock());
	static void set_usage(Volume &volume, const Usage &usage);
	static void checkpoint_written(void *context);
	static void run_reclaim(struct tbk_work *work);

	struct tbk_device &device_;
	struct tbk_device_info device_info_ {};
	Name name_;
	u8 uuid_[16] = {};
	bool read_only_ = false;
	Mending *mending_ = nullptr;

	struct tbk_queue *queue_ = nullptr;
	struct tbk_reserve *pieces_ = nullptr;
	struct tbk_reserve *blocks_ = nullptr; /* of 4096 bytes, to fill partial blocks */
	Epochs epochs_;
	bool has_epochs_ = false;
	Owned<Space> space_;
	Owned<NodeCache> cache_;
	Owned<Catalog> catalog_;
	Owned<Checkpointer> checkpointer_;
	Owned<Journal> journal_;
	Owned<Cleaner> cleaner_;
	Owned<Scrubber> scrubber_;
	Watch watch_{ *this };
	Sweeper sweeper_{ *this };

	Mutex reclaim_lock_{ TBK_RANK_RECLAIM };
	struct tbk_work reclaim_work_ {};
	Atomic<u8> stopping_; /* set before works are cancelled */
};

} // namespace thinback

/* Fills in the reason, if anybody wants to know. */
#define TBK_EXPLAIN(why, ...)                                                      \
	do {                                                                       \
		if (why)                                                           \
			tbk_format((why)->text, sizeof((why)->text), __VA_ARGS__); \
	} while (0)
#define TBK_HINT(why, ...)                                                         \
	do {                                                                       \
		if (why)                                                           \
			tbk_format((why)->hint, sizeof((why)->hint), __VA_ARGS__); \
	} while (0)
