// SPDX-License-Identifier: GPL-2.0
#include "check.h"

#include <thinback/base/scope.h>

#include "check_journal.h"
#include "device_scan.h"
#include "superblock.h"
#include "sync_io.h"

namespace thinback {
namespace {

void check_ring(struct tbk_device &device, const format::Superblock &super, u64 at, u8 *block,
		CheckReport &report)
{
	for (u64 end = at + format::ring_length; at < end; at++) {
		const Status sound = verify_slot(device, at, super.header.pool.get(),
						 super.header.checkpoint.get(), block);

		if (!sound.is_ok())
			TBK_FINDING(report, TBK_FINDING_REPAIRABLE,
				    "copy of the superblock in block %llu: %s", at,
				    to_text(sound.error()));
	}
}

void explain(struct tbk_why *why, const struct tbk_device_info &info, Err err)
{
	if (!why)
		return;
	if (err == Err::no_pool)
		tbk_format(why->text, sizeof(why->text), "%s holds no thinback pool", info.name);
	else
		tbk_format(why->text, sizeof(why->text), "the pool on %s cannot be checked: %s",
			   info.name, to_text(err));
}

} // namespace

u64 nodes_in_use(const format::Superblock &super, const CheckedCatalog &catalog)
{
	u64 rest = super.free.get() + super.journal_blocks.get() +
		   super.groups.get() * format::fixed_blocks(1);

	for (u32 i = 0; i < catalog.count(); i++)
		rest += catalog.in_order(i).record.own.get() - catalog.in_order(i).gone();
	return rest < super.blocks.get() ? super.blocks.get() - rest : 0;
}

Status check_rings(struct tbk_device &device, const format::Superblock &super, CheckReport &report)
{
	constexpr u64 rings[] = { format::ring_a, format::ring_b };
	u8 *block = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	const auto free_block = ScopeGuard([=] { tbk_big_free(block); });

	if (!block)
		return Err::no_memory;
	for (u64 at : rings)
		check_ring(device, super, at, block, report);
	return {};
}

namespace {

constexpr u64 default_memory = 1ull << 30;

/* All trees, for the ledger's first part. */
Status walk_all(const format::Superblock &super, u64 parts, JournalCheck &journal, Survey &survey,
		CheckReport &report)
{
	TreeWalk &walk = *survey.walk;
	CheckedCatalog &catalog = survey.catalog;

	TBK_TRY(journal.claim(*survey.ledger));
	TBK_TRY(walk.read_catalog(super, catalog));
	survey.has_catalog = walk.is_whole();
	TBK_TRY(catalog.verify(super, survey.has_catalog));
	if (survey.has_catalog)
		TBK_TRY(journal.verify(catalog));
	survey.is_journal_sound = journal.is_sound();
	report.set_total(nodes_in_use(super, catalog) * parts +
			 super.groups.get() * format::bitmaps_per_group);
	for (u32 i = 0; i < catalog.count(); i++)
		TBK_TRY(walk.check(catalog.by_descent(i), super.generation.get()));
	survey.is_whole = walk.is_whole();
	return survey.ledger->finish_part(survey.is_whole);
}

/* ... and for another one: what was counted is not counted again. */
Status walk_again(const format::Superblock &super, JournalCheck &journal, Survey &survey,
		  CheckReport &report)
{
	TreeWalk &walk = *survey.walk;
	CheckedCatalog &catalog = survey.catalog;
	const struct tbk_check before = report.counts();

	walk.begin_again();
	TBK_TRY(journal.claim(*survey.ledger));
	TBK_TRY(walk.read_catalog(super, catalog));
	for (u32 i = 0; i < catalog.count(); i++)
		TBK_TRY(walk.check(catalog.by_descent(i), super.generation.get()));
	survey.is_journal_sound = journal.is_sound();
	report.counts().nodes = before.nodes;
	report.counts().copies = before.copies;
	report.counts().extents = before.extents;
	report.counts().data_blocks = before.data_blocks;
	return survey.ledger->finish_part(walk.is_whole());
}

} // namespace

Status check_pool(struct tbk_device &device, const format::Superblock &super, CheckReport &report,
		  Survey &survey, Keep keep)
{
	const u64 memory = report.counts().memory;

	survey.ledger = TBK_TRY(BlockLedger::open(device, super, report, keep));
	survey.reader = TBK_TRY(
		NodeReader::create(device, { super.header.pool.get(), super.blocks.get() }));
	survey.walk = TBK_TRY(TreeWalk::create(*survey.reader, *survey.ledger, report));
	survey.walk->note_lost_in(survey.lost);
	Owned<JournalCheck> journal = TBK_TRY(JournalCheck::create(device, super, report));

	TBK_TRY(journal->expect(*survey.ledger));
	const u64 parts = survey.ledger->parts(memory ? memory : default_memory);

	const auto end_again = ScopeGuard([&] { report.set_again(false); });

	survey.ledger->next_part();
	TBK_TRY(walk_all(super, parts, *journal, survey, report));
	while (survey.ledger->next_part())
		TBK_TRY(walk_again(super, *journal, survey, report));
	survey.ledger->finish();
	return {};
}

} // namespace thinback

using namespace thinback;

namespace {

/* What is left of a pool whose superblocks are lost is for a repair to look for. */
Status tell_lost(struct tbk_device &device, Err err, struct tbk_check &check)
{
	Owned<CheckReport> report = TBK_TRY(make<CheckReport>(check));
	struct tbk_device_info info {};

	if (!is_superblock_lost(err))
		return err;
	device.ops->info(&device, &info);
	if (info.bytes < format::smallest_pool * format::block_size)
		return err;
	if (!TBK_TRY(DeviceScan::has_remains(device)))
		return err;
	TBK_FINDING(
		*report, TBK_FINDING_DAMAGED,
		"superblocks: none of the 16 copies can be read, and there is more of a pool: a "
		"repair looks for it on the whole device");
	return {};
}

Status run_check(struct tbk_device &device, struct tbk_check &check)
{
	auto *super = static_cast<format::Superblock *>(
		tbk_alloc(sizeof(format::Superblock), TBK_MAY_SLEEP));
	const auto free_super = ScopeGuard([=] { tbk_free(super); });

	if (!super)
		return Err::no_memory;
	const Status read = read_superblock(device, *super);

	if (!read.is_ok())
		return tell_lost(device, read.error(), check);
	__builtin_memcpy(check.pool, super->name, sizeof(check.pool));
	Owned<CheckReport> report = TBK_TRY(make<CheckReport>(check));

	TBK_TRY(check_rings(device, *super, *report));
	Survey survey(*report);

	TBK_TRY(check_pool(device, *super, *report, survey, Keep::nothing));
	report->finish();
	return {};
}

} // namespace

int tbk_pool_check(struct tbk_device *device, struct tbk_check *check, struct tbk_why *why)
{
	struct tbk_device_info info {};
	const Status checked = run_check(*device, *check);

	if (checked.is_ok())
		return 0;
	device->ops->info(device, &info);
	explain(why, info, checked.error());
	return to_errno(checked.error());
}

int tbk_probe(struct tbk_device *device, struct tbk_pool_info *info)
{
	auto *super = static_cast<format::Superblock *>(
		tbk_alloc(sizeof(format::Superblock), TBK_MAY_SLEEP));
	const auto free_super = ScopeGuard([=] { tbk_free(super); });

	if (!super)
		return -TBK_ENOMEM;
	const Status read = read_superblock(*device, *super);

	if (!read.is_ok())
		return to_errno(read.error());
	*info = {};
	__builtin_memcpy(info->name, super->name, sizeof(info->name));
	__builtin_memcpy(info->uuid, super->uuid, sizeof(info->uuid));
	info->size = super->blocks.get() * format::block_size;
	info->free = super->free.get() * format::block_size;
	info->generation = super->generation.get();
	info->checkpoint = super->header.checkpoint.get();
	return 0;
}
