/* SPDX-License-Identifier: GPL-2.0 */
/* The volumes and snapshots of a pool, with what follows from seeing them together. */
#pragma once

#include <string>
#include <vector>

#include "control.h"

namespace thinback::tool {

struct Entry {
	std::string name;	    /* tank/deb, tank/deb@v1, tank/deb@v1(removed) */
	std::string from;	    /* of a clone: the snapshot of another volume; else empty */
	unsigned int snapshots = 0; /* of a volume: those that can be seen */
	thinback_object object{};

	bool is_snapshot() const { return object.flags & THINBACK_SNAPSHOT; }
	/* Nobody can name it any more; it still holds space. */
	bool is_gone() const { return object.flags & (THINBACK_HIDDEN | THINBACK_REMOVING); }
};

/* All of a pool, each volume followed by its snapshots, both by age. */
std::vector<Entry> inventory(Kernel &kernel, const std::string &pool);

/* The one of that name in it. Throws Failure. */
Entry find_entry(Kernel &kernel, const Name &name);

/* Throws Failure. */
thinback_pool find_pool(Kernel &kernel, const std::string &pool);

} // namespace thinback::tool
