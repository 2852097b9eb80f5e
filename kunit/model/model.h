/* SPDX-License-Identifier: GPL-2.0 */
/* Random operations on a pool, through entry.h, beside a plain account of what it should hold. */
#pragma once

#include <thinback/base/atomic.h>
#include <thinback/base/owned.h>
#include <thinback/entry.h>

#include "../harness/shared/random.h"

struct kunit;

namespace thinback {

struct ModelOptions {
	u32 operations = 1000;
	u32 most_blocks = 2048; /* of a volume */
	u32 reopen_every = 500; /* operations, about */
};

/* Formats @device and does whatever comes to mind; in the end the pool is empty again. */
void run_model(struct kunit *test, struct tbk_device &device, const ModelOptions &options);

/* A volume or a snapshot. A sector's tag says what was written there last; 0 is zeros. */
struct ModelDisk {
	bool exists = false;
	bool is_snapshot = false;
	char volume[24] = {};
	char snapshot[24] = {}; /* empty for a volume */
	u64 sectors = 0;
	u64 quota = 0, reserve = 0; /* bytes */
	u32 *tags = nullptr;
	struct tbk_volume *handle = nullptr;
};

class Model;

/* What a request does to some sectors. */
struct ModelChange {
	u32 op = 0;
	u64 sector = 0;
	u32 count = 0;
	u32 tag = 0; /* writes: of the first sector */
};

/* A request, in flight or not. */
struct ModelSlot {
	static constexpr u32 most_sectors = 256;
	static constexpr u32 most_raced = 8;

	struct tbk_request request {}; /* first: found from it */
	Model *model = nullptr;
	ModelDisk *disk = nullptr; /* NULL: idle */
	u8 *buffer = nullptr;
	ModelChange what;
	bool is_write = false; /* it changes what is there */
	Atomic<u8> done;
	/* Reads: what was there when it was submitted, and what has changed since. */
	u32 before[most_sectors] = {};
	ModelChange raced[most_raced] = {};
	u32 raced_count = 0;
};

class Model {
public:
	Model(struct kunit *kunit, struct tbk_device &device, const ModelOptions &options);
	~Model();
	Model(const Model &) = delete;
	Model &operator=(const Model &) = delete;

	bool prepare();
	void run();

private:
	static constexpr u32 most_disks = 24;
	static constexpr u32 most_slots = 16;
	static constexpr u32 most_sectors = ModelSlot::most_sectors;
	/* model.cc: the pool as a whole. */
	bool open_pool();
	bool close_pool();
	void step();
	void create();
	void snapshot();
	void clone();
	void remove();
	void remove(ModelDisk &target);
	void thin_out(u32 percent, u32 reopen_every);
	void forget(ModelDisk &disk);
	void reopen();
	void sync();
	void check_listing();
	void check_device();
	void remove_everything();
	ModelDisk *pick(bool wants_snapshot);
	ModelDisk *new_disk(u64 sectors);
	bool has_snapshots(const ModelDisk &disk) const;
	u32 count(bool snapshots) const;
	static void found(struct tbk_check *check, enum tbk_finding_class kind, const char *text);

	/* model_alter.cc: what changes those that there are. */
	ModelDisk *volume_of(const ModelDisk &snapshot);
	void close_all_of(const ModelDisk &volume);
	void alter();
	void rename();
	void rollback();
	void take_content(ModelDisk &volume, const ModelDisk &snapshot, ModelDisk *kept);
	void resize();
	void limit();

	/* model_io.cc: requests. */
	void request(ModelDisk &disk);
	void flush(ModelDisk &disk);
	ModelSlot &idle_slot();
	bool is_in_the_way(const ModelSlot &slot) const;
	void note_race(const ModelSlot &write);
	bool may_hold(const ModelSlot &read, u32 i) const;
	void choose_range(ModelSlot &slot, u64 align);
	void submit(ModelSlot &slot);
	static void done(struct tbk_request *request);
	static int is_any_done(void *self);
	void reap();
	void wait_for(const ModelDisk *disk);
	void finish(ModelSlot &slot);
	void finish_read(ModelSlot &slot);
	void apply(const ModelSlot &slot);
	static u32 tag_after(const ModelDisk &disk, const ModelChange &what, u64 sector);
	bool read_now(ModelDisk &disk, u64 sector, u32 count);
	void settle_doubt(ModelDisk &disk, const ModelChange &what);
	void verify(ModelDisk &disk);
	bool open(ModelDisk &disk);
	void close(ModelDisk &disk);

	void fail(const ModelDisk *disk, const char *what, s64 number);
	static bool same(const char *a, const char *b);
	static void copy_text(char *to, const char *from);

	struct kunit *const test_;
	struct tbk_device &device_;
	const ModelOptions options_;
	Random random_;
	bool failed_ = false;
	bool is_full_ = false; /* something found no space, lately */

	struct tbk_pool *pool_ = nullptr;
	u64 empty_ = 0; /* free bytes of the new pool */
	u32 names_ = 0; /* given so far */
	u32 next_tag_ = 1;
	u64 hot_ = 0; /* a sector around which much happens */
	ModelDisk disks_[most_disks];
	ModelSlot slots_[most_slots];
	ModelSlot own_; /* for what is waited for at once */
	struct tbk_wait wait_ {};
};

} // namespace thinback

/* The last of these are printed when a run fails. */
#define TBK_SAY(...) tbk_log(TBK_LOG_DEBUG, __VA_ARGS__)
