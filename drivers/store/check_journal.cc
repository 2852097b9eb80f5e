// SPDX-License-Identifier: GPL-2.0
#include "check_journal.h"

#include "recovery.h"

namespace thinback {

Result<Owned<JournalCheck>> JournalCheck::create(struct tbk_device &device,
						 const format::Superblock &super,
						 CheckReport &report)
{
	Owned<JournalCheck> check = TBK_TRY(make<JournalCheck>(report));

	check->reader_ = TBK_TRY(JournalReader::create(device, super));
	return check;
}

/* Calls visit(record, change) for all that would be replayed. */
template <typename Visit> Status JournalCheck::each(Visit visit)
{
	reader_->rewind();
	for (;;) {
		auto read = reader_->next();

		if (!read.is_ok() && !is_whole_)
			return {};
		if (!read.is_ok()) {
			is_whole_ = false;
			is_sound_ = false;
			TBK_FINDING(report_, TBK_FINDING_DAMAGED, "block %llu of the journal: %s",
				    reader_->end(), to_text(read.error()));
			return {};
		}
		const format::JournalBlock *block = read.value();

		if (!block)
			return {};
		for (u32 i = 0; i < block->header.count.get(); i++) {
			const format::JournalRecord &record = block->records[i];

			if (reader_->applies(record))
				TBK_TRY(visit(record, read_record(record)));
		}
	}
	return {};
}

void JournalCheck::tell_in_use(const format::JournalRecord &record, Run run)
{
	is_sound_ = false;
	TBK_NEW_FINDING(
		report_, TBK_FINDING_DAMAGED,
		"block %llu of the journal: blocks from %llu on, new in volume %u, are in use",
		reader_->end() - 1, run.start, record.volume.get());
}

Status JournalCheck::expect(BlockLedger &ledger)
{
	return each([&](const format::JournalRecord &record, Result<MapChange> read) -> Status {
		if (!read.is_ok()) {
			is_sound_ = false;
			TBK_FINDING(report_, TBK_FINDING_DAMAGED,
				    "block %llu of the journal: change of volume %u: %s",
				    reader_->end() - 1, record.volume.get(), to_text(read.error()));
			return {};
		}
		const Run run = read.value().run;

		if (run.start && ledger.is_sound(run.start, run.count))
			ledger.expect_claim(run.start);
		else if (run.start)
			tell_in_use(record, run);
		return {};
	});
}

/* What is not right about a record by itself was told by expect(). */
Status JournalCheck::claim(BlockLedger &ledger)
{
	return each([&](const format::JournalRecord &record, Result<MapChange> read) -> Status {
		const Run run = read.is_ok() ? read.value().run : Run();

		if (run.start && ledger.is_sound(run.start, run.count) &&
		    !TBK_TRY(ledger.claim(run.start, run.count)))
			tell_in_use(record, run);
		return {};
	});
}

Status JournalCheck::verify(const CheckedCatalog &catalog)
{
	if (!is_whole_)
		return {};
	return each([&](const format::JournalRecord &record, Result<MapChange> read) -> Status {
		const CheckedTree *tree = catalog.find(record.volume.get());
		const bool is_there = tree && !tree->is_snapshot() && !tree->is_gone();

		if (is_there && (!read.is_ok() || read.value().start + read.value().run.count <=
							  tree->record.size.get()))
			return {};
		is_sound_ = false;
		if (!is_there)
			TBK_FINDING(report_, TBK_FINDING_DAMAGED,
				    "block %llu of the journal: there is no volume %u to change",
				    reader_->end() - 1, record.volume.get());
		else
			TBK_FINDING(
				report_, TBK_FINDING_DAMAGED,
				"block %llu of the journal: block %llu is past the end of volume %u",
				reader_->end() - 1, read.value().start, record.volume.get());
		return {};
	});
}

} // namespace thinback
