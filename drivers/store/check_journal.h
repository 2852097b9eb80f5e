/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "check_catalog.h"
#include "check_space.h"
#include "journal_reader.h"

namespace thinback {

/*
 * What flushes have left in the journal since the superblock: whether an open
 * could replay it. Two passes, since catalog and space are known at different
 * times.
 */
class JournalCheck {
public:
	static Result<Owned<JournalCheck>>
	create(struct tbk_device &device, const format::Superblock &super, CheckReport &report);
	explicit JournalCheck(CheckReport &report) : report_(report) {}
	JournalCheck(const JournalCheck &) = delete;
	JournalCheck &operator=(const JournalCheck &) = delete;

	/* What it maps can be read, and blocks can lie there. Before claim(). */
	Status expect(BlockLedger &ledger);
	/* What it maps of @ledger's part is in nobody's use. Before anything else is struck off that. */
	Status claim(BlockLedger &ledger);
	/* It is about volumes that there are. */
	Status verify(const CheckedCatalog &catalog);
	/* Nothing was found. */
	bool is_sound() const { return is_sound_; }

private:
	template <typename Visit> Status each(Visit visit);
	void tell_in_use(const format::JournalRecord &record, Run run);

	CheckReport &report_;
	Owned<JournalReader> reader_;
	bool is_whole_ = true;
	bool is_sound_ = true;
};

} // namespace thinback
