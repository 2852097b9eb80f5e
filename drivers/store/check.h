/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "check_report.h"
#include "check_tree.h"

namespace thinback {

/* What a check has made out of a pool, for those who mend it. */
struct Survey {
	explicit Survey(CheckReport &report) : catalog(report) {}

	CheckedCatalog catalog;
	Owned<NodeReader> reader;
	Owned<TreeWalk> walk;
	Owned<BlockLedger> ledger;
	LostNodes lost;		       /* of volumes and snapshots */
	bool has_catalog = false;      /* all records could be read */
	bool is_whole = false;	       /* ... and all trees */
	bool is_journal_sound = false; /* ... and the journal, of which all could be replayed */
};

/* Verifies a pool from its newest superblock down; reads only. @keep: in its BlockLedger. */
Status check_pool(struct tbk_device &device, const format::Superblock &super, CheckReport &report,
		  Survey &survey, Keep keep);

/* About how many: what is neither free nor data, and not fixed. */
u64 nodes_in_use(const format::Superblock &super, const CheckedCatalog &catalog);

/* Copies of the superblock that a crash does not account for. */
Status check_rings(struct tbk_device &device, const format::Superblock &super, CheckReport &report);

} // namespace thinback
