/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <vector>

#include <thinback/dump_entry.h>

#include "../../drivers/hosted/devices.h"
#include "../harness/shared/random.h"

namespace thinback {

/* What a dump told, to be looked at, changed, and told again. */
class Transcript {
public:
	struct Tree {
		u32 id;
		std::vector<struct tbk_dump_extent> extents;
	};

	/* 0 or a negative errno. */
	int take(struct tbk_device &device, struct tbk_why *why = nullptr);
	int restore(struct tbk_device &device, u32 flags = 0, struct tbk_why *why = nullptr) const;

	Tree &tree(u32 id);
	/* All of @device but the blocks that are told to hold data are overwritten. */
	void wipe_others(MemoryDevice &device, Random &random) const;
	u64 count(u32 state) const;
	bool has_flag(u32 flag) const;
	/* The same but for what is told of checkpoints and of the journal. */
	bool is_like(const Transcript &other) const;

	struct tbk_dump_pool pool {};
	std::vector<struct tbk_dump_object> objects;
	std::vector<Tree> trees;
	u32 lost = 0;

private:
	int tell_trees(struct tbk_restore *restore, struct tbk_why *why) const;
	int tell(struct tbk_restore *restore, struct tbk_why *why) const;
};

} // namespace thinback
