/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "drop.h"
#include "salvage.h"

namespace thinback {

/*
 * Mends what the trees themselves show to be wrong: bitmaps and counts are made
 * anew from what the trees reach, and the journal ends where it cannot be
 * replayed. All of that is changed in the memory of a pool that is opened for
 * nothing else, and written by its checkpoint: it is there as a whole, or not.
 */
class Repair {
public:
	Repair(struct tbk_device &device, struct tbk_check &check);
	~Repair();
	Repair(const Repair &) = delete;
	Repair &operator=(const Repair &) = delete;

	/* Writes nothing when there is nothing to mend. */
	Status run();

private:
	struct Hook {
		Mending mending;
		Repair *self;
	};

	static void ignore(struct tbk_check *check, enum tbk_finding_class kind, const char *text);
	static Status mend_space(Mending &hook, Space &space, u64 epoch);
	static Status mend_pool_parts(Mending &hook, Pool &pool);

	static constexpr u32 most_passes = 64;

	Status survey();
	Result<bool> pass();
	Status find_superblock();
	Result<bool> find_wrong_groups();
	bool has_wrong_volume() const;
	void mend_volumes(Pool &pool);
	Status mend_pool();
	void tell_endless();
	void tell_pool();
	void tell_volume(const CheckedTree &tree);
	Status mend_nodes();
	Status mend_node(const BadCopy &bad, void *image);
	Status mend_copies();
	Status mend_ring(u64 at, u8 *block);
	Status mend_copy(u64 at, u8 *block);

	struct tbk_device &device_;
	struct tbk_check &check_;
	struct tbk_check quiet_ {};
	CheckReport report_;
	Owned<Survey> survey_;
	Owned<Salvage> salvage_; /* until there is a superblock again */
	Owned<Dropper> dropper_; /* while something is given up */
	format::Superblock super_{};
	Hook hook_{};
	BlockLedger::Wrong *groups_ = nullptr; /* one a group */
	u64 *bits_ = nullptr;		       /* a group's */
	char text_[CheckReport::text_size] = {};
};

} // namespace thinback
