/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/entry.h>

#include "catalog.h"
#include "pace.h"
#include "superblock.h"

namespace thinback {

class Pool;

/*
 * Reads the metadata of a pool in use from its device, and verifies it: both rings
 * of superblocks, then of every tree the nodes that are its own, with their second
 * copies. What it has come to is in memory only.
 *
 * A tree is gone through by key. Under its lock, and without I/O, those nodes are
 * gathered that hang from what is only in memory and lie on the device themselves;
 * below these the walk goes by what it reads. What is bad there may have been
 * replaced meanwhile: only if the tree, as it is then, still leads there it is told
 * of, for no block is used anew that a tree leads to. If not, the walk gathers again.
 *
 * A copy is healed while the catalog is held: no checkpoint begins then, so the block
 * cannot become anybody else's before the write has ended.
 *
 * What a merge hands from a snapshot that the walk has not come to yet to a volume
 * that it is past is left to the next scrub.
 */
class Scrubber {
public:
	explicit Scrubber(Pool &pool);
	~Scrubber();
	Scrubber(const Scrubber &) = delete;
	Scrubber &operator=(const Scrubber &) = delete;

	/* From the beginning, unless one is under way. Context: process. */
	void start();
	/* The one that is under way ends with the block that it is at. */
	void halt();
	/* For good. Sleeps. */
	void stop();
	/* Until none is under way. Sleeps. */
	void wait();

	/* Bytes a second; 0: the default. */
	void set_rate(u64 bytes);
	void describe(struct tbk_pool_info &info) const;

private:
	static constexpr u64 default_rate = 32u << 20;
	static constexpr u64 blocks_at_once = 512;
	static constexpr u32 most_parts = 64;
	static constexpr u32 most_looks = 4096; /* nodes in memory, while a tree is locked */
	static constexpr u32 most_retries = 8;

	/* A node, and the keys that are its. */
	struct Part {
		NodePointer pointer;
		u64 low = 0;
		u64 high = 0;
	};
	/* A branch whose children are gone through; its image is at the same depth. */
	struct Open {
		Part part;
		u32 next;
	};
	struct Copies {
		Err first;
		Err second;

		bool are_sound() const { return first == Err::ok && second == Err::ok; }
	};

	static void run(struct tbk_work *work);
	static int is_over(void *self);
	bool is_running() const { return state_.load_acquire() == TBK_SCRUB_RUNNING; }
	bool begin();
	void end();
	bool step();
	void estimate();
	void count_read() { done_.fetch_add_relaxed(1); }
	u8 *image(u32 depth) const { return images_ + depth * format::block_size; }

	/* scrubber_walk.cc */
	bool next_tree();
	void gather();
	void gather_volume(Catalog &catalog) TBK_REQUIRES(catalog.lock());
	void collect(const NodePointer &pointer, bool is_pending, u64 low, u64 high);
	void collect_children(const Node &node, u64 low, u64 high);
	static u64 passed_of(Catalog &catalog, const Volume &volume) TBK_REQUIRES(catalog.lock());
	void begin_tree(const Tree &tree);
	bool is_own(u64 birth, u64 low) const;
	bool is_wanted(const Part &part) const;
	static Part child_of(const Node &node, const Part &part, u32 index);
	bool next_part(Part &part);
	void visit(const Part &part);
	void pass(const Part &part);
	Copies read_both(const Part &part);
	Err read(const Part &part, Copy copy);

	/* scrubber_heal.cc */
	void judge(const Part &part);
	void look_again(const Part &part);
	bool leads_to(const Tree &tree, const Part &part);
	bool is_in_use(Catalog &catalog, const Part &part) TBK_REQUIRES(catalog.lock());
	bool heal(const Part &part, Copy bad, Err why);
	void tell_lost(const Part &part, const Copies &copies);
	void check_ring(Ring ring);
	bool is_bad_slot(u64 at);
	void heal_slot(u64 at, u64 twin);

	Pool &pool_;
	Pace pace_; /* in blocks */
	Atomic<u32> state_;
	Atomic<u32> fresh_; /* it is to begin from nothing */
	Atomic<u32> stopping_;
	Atomic<u64> done_;
	Atomic<u64> total_;
	Atomic<u64> found_;
	Atomic<u64> healed_;
	struct tbk_wait over_ {};
	struct tbk_work work_ {};

	/* The work's alone. */
	u8 *images_ = nullptr; /* while it runs; one for each level */
	format::TreeKind kind_ = format::TreeKind::catalog;
	u32 id_ = 0;	   /* whose tree is at hand; 0: the catalog's */
	u64 size_ = 0;	   /* its volume's */
	u64 cursor_ = 0;   /* keys before this one are done with */
	u64 gathered_ = 0; /* up to here there are parts */
	u64 passed_ = 0;   /* before this key it is its child's */
	u64 since_ = 0;	   /* these three as in Tree, when its parts were gathered */
	u64 floor_ = 0;
	u64 merged_ = 0;
	u32 retries_ = 0; /* at this cursor */
	u32 looks_ = 0;
	u32 depth_ = 0;
	u32 next_ = 0;
	u32 count_ = 0;
	Open open_[format::max_height] = {};
	Part parts_[most_parts] = {};
	char name_[176] = {}; /* of the tree at hand */
};

} // namespace thinback
