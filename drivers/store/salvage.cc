// SPDX-License-Identifier: GPL-2.0
#include "salvage.h"

#include <thinback/base/scope.h>
#include <thinback/format/journal.h>

#include "make.h"
#include "sync_io.h"
#include "volume.h"

namespace thinback {

Result<Owned<Salvage>> Salvage::create(struct tbk_device &device, struct tbk_check &check)
{
	Owned<Salvage> salvage = TBK_TRY(make<Salvage>(device, check));

	salvage->scan_ = TBK_TRY(DeviceScan::create(device, check));
	return salvage;
}

void Salvage::ignore(struct tbk_check *, enum tbk_finding_class, const char *)
{
}

void Salvage::say(const char *text)
{
	if (check_.found)
		check_.found(&check_, TBK_FINDING_DAMAGED, text);
}

Status Salvage::run(format::Superblock &super)
{
	const Status scanned = scan_->run();

	if (scanned.error() == Err::wrong_pool) {
		say("superblocks: all are lost, and what is left is of more than one pool");
		return Err::not_found;
	}
	TBK_TRY(scanned);
	TBK_TRY(choose_root(super));
	if (!root_) {
		tbk_format(
			text_, sizeof(text_),
			is_overtaken_
				? "superblocks: all are lost, and so is the newest catalog; blocks of "
				  "the %llu volumes and snapshots of older ones are in other use since"
				: "superblocks: all are lost, and no catalog is whole; nodes of %llu "
				  "volumes and snapshots are there",
			scan_->trees());
		say(text_);
		return Err::not_found;
	}
	fill_journal_start(super);
	return {};
}

/* The newest that is whole down to all leaves; else the newest whose volumes all have their roots. */
Status Salvage::choose_root(format::Superblock &super)
{
	constexpr bool ways[] = { true, false };

	for (bool whole_only : ways) {
		/* Of more than one checkpoint ago nobody can tell what was overwritten. */
		for (u32 i = 0; i < scan_->root_count() && i < 2 && !is_overtaken_; i++) {
			const SeenRoot &root = scan_->root(i);

			if (!TBK_TRY(is_acceptable(root, super, whole_only)))
				continue;
			root_ = &root;
			return {};
		}
	}
	return {};
}

Result<bool> Salvage::is_acceptable(const SeenRoot &root, format::Superblock &super,
				    bool whole_only)
{
	const u64 least = max<u64>(scan_->journal_reach(), 2 * format::journal_write_max);
	auto survey = TBK_TRY(make<Survey>(report_));
	bool has_roots = true;

	TBK_TRY(fill(root, super));
	super.journal_blocks.set(least);
	TBK_TRY(check_pool(device_, super, report_, *survey, Keep::all));
	for (u32 i = 0; i < survey->catalog.count(); i++) {
		const LostNode *lost =
			survey->lost.find(survey->catalog.in_order(i).record.root.block.get());

		has_roots &= !lost || lost->is_path;
	}
	if (!survey->has_catalog || !has_roots || (whole_only && !survey->is_whole))
		return false;
	fill_clocks(super, survey->catalog);
	const u64 first_used = survey->ledger->first_struck(format::journal_start + least);

	if (!fill_journal_length(super, first_used).is_ok())
		return false;
	const bool is_overtaken = TBK_TRY(this->is_overtaken(super));

	is_overtaken_ |= is_overtaken;
	return !is_overtaken;
}

namespace {

/* Whether a bitmap that is newer than @checkpoint has a block of @struck free. @bits: a group's. */
Result<bool> is_freed_since(struct tbk_device &device, const format::Superblock &super, u64 group,
			    const u64 *struck, u8 *block)
{
	const auto &bitmap = *reinterpret_cast<const format::BitmapBlock *>(block);
	const auto *used = reinterpret_cast<const u8 *>(struck);

	for (u64 slot = 0; slot < 2 * format::bitmaps_per_group; slot++) {
		const PhysicalBlock at(format::first_bitmap(group) + slot);
		const size_t from = slot / 2 * format::payload_size;
		const size_t bytes =
			min<size_t>(format::payload_size, format::group_blocks / 8 - from);

		if (!read_blocks(device, at, block, BlockCount(1)).is_ok() ||
		    !check_block(block, format::bitmap_magic, at, super.header.pool.get())
			     .is_ok() ||
		    bitmap.header.checkpoint.get() <= super.header.checkpoint.get())
			continue;
		for (size_t i = 0; i < bytes; i++) {
			if (used[from + i] & ~bitmap.bits[i])
				return true;
		}
	}
	return false;
}

} // namespace

/* Whether data that the catalog leads to was freed by a later checkpoint, of which nobody knows how far it got. */
Result<bool> Salvage::is_overtaken(const format::Superblock &super)
{
	const u64 newest = scan_->newest_metadata();

	/* Checkpoints that had nothing to write do not matter. */
	if (newest <= super.header.checkpoint.get())
		return false;
	if (newest <= scan_->journal_durable())
		return true;
	u8 *block = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	const auto free_block = ScopeGuard([=] { tbk_big_free(block); });
	auto survey = TBK_TRY(make<Survey>(report_));

	if (!block)
		return Err::no_memory;
	TBK_TRY(check_pool(device_, super, report_, *survey, Keep::data));
	for (u64 g = 0; g < survey->ledger->groups(); g++) {
		const u64 *struck = survey->ledger->struck(g);

		if (struck && TBK_TRY(is_freed_since(device_, super, g, struck, block)))
			return true;
	}
	return false;
}

/* ---- what the superblock said ---- */

Status Salvage::fill(const SeenRoot &root, format::Superblock &super)
{
	__builtin_memset(&super, 0, sizeof(super));
	super.header.magic.set(format::superblock_magic);
	super.header.pool.set(scan_->pool());
	super.header.checkpoint.set(root.checkpoint);
	super.version.set(format::version);
	super.journal_at.set(format::journal_start);
	super.journal_seq.set(scan_->journal_top() + format::journal_write_max);
	super.created.set(tbk_unix_seconds());
	super.generation.set(scan_->birth() + 1);
	super.next_id.set(static_cast<u32>(scan_->owner() + 1));
	write_root(super.catalog, root.pointer);
	fill_name(super);
	TBK_TRY(fill_size(super));
	return fill_summaries(super);
}

/* A copy that is damaged elsewhere may still have them. What the user says goes before. */
void Salvage::fill_name(format::Superblock &super)
{
	u8 *ring = static_cast<u8 *>(tbk_big_alloc(format::ring_length * format::block_size));
	const auto free_ring = ScopeGuard([=] { tbk_big_free(ring); });
	constexpr u64 rings[] = { format::ring_a, format::ring_b };
	const char *name = check_.name ? check_.name : "recovered";

	tbk_random(super.uuid, sizeof(super.uuid));
	__builtin_memcpy(super.uuid, &super.header.pool, sizeof(super.header.pool));
	for (u32 i = 0; i < format::name_size - 1 && name[i]; i++)
		super.name[i] = static_cast<u8>(name[i]);
	for (u64 at : rings) {
		if (!ring ||
		    !read_blocks(device_, PhysicalBlock(at), ring, BlockCount(format::ring_length))
			     .is_ok())
			continue;
		for (u64 i = 0; i < format::ring_length; i++) {
			const auto &copy = *reinterpret_cast<const format::Superblock *>(
				ring + i * format::block_size);

			if (copy.header.magic.get() != format::superblock_magic ||
			    copy.header.pool.get() != scan_->pool() ||
			    __builtin_memcmp(copy.uuid, super.uuid, 8) != 0 ||
			    copy.name[format::name_size - 1] ||
			    !Name::parse(reinterpret_cast<const char *>(copy.name)).is_ok())
				continue;
			has_name_ = true;
			__builtin_memcpy(super.uuid, copy.uuid, sizeof(super.uuid));
			if (!check_.name)
				__builtin_memcpy(super.name, copy.name, sizeof(super.name));
		}
	}
	__builtin_memcpy(name_, super.name, sizeof(name_));
}

/* All of the device, or as many groups as the last summary knows. */
Status Salvage::fill_size(format::Superblock &super)
{
	struct tbk_device_info info {};
	u8 *block = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	const auto free_block = ScopeGuard([=] { tbk_big_free(block); });
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(block);

	if (!block)
		return Err::no_memory;
	device_.ops->info(&device_, &info);
	u64 blocks = usable_blocks(info.bytes);
	const u64 groups = (blocks + format::group_blocks - 1) / format::group_blocks;
	u64 known = 0;

	for (u64 first = 0; first < groups; first += format::groups_per_summary) {
		for (u64 slot = 0; slot < 2; slot++) {
			const PhysicalBlock at(format::first_summary(first) + slot);

			if (at.raw() < blocks &&
			    read_blocks(device_, at, block, BlockCount(1)).is_ok() &&
			    check_block(block, format::summary_magic, at, scan_->pool()).is_ok())
				known = max(known, header.high.get());
		}
	}
	if (known > 0 && known < groups && known % format::groups_per_summary != 0)
		blocks = known * format::group_blocks;
	super.blocks.set(blocks);
	super.groups.set(
		static_cast<u32>((blocks + format::group_blocks - 1) / format::group_blocks));
	return {};
}

Status Salvage::fill_summaries(format::Superblock &super)
{
	const u64 groups = super.groups.get();

	for (u64 i = 0; i * format::groups_per_summary < groups; i++)
		super.summaries[i] = TBK_TRY(newest_summary(super, i));
	return {};
}

/* As the checkpoint at hand would name it; one that is not there if both are spoilt; 0: never written. */
Result<u8> Salvage::newest_summary(const format::Superblock &super, u64 index)
{
	u8 *block = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	const auto free_block = ScopeGuard([=] { tbk_big_free(block); });
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(block);
	const u64 checkpoint = super.header.checkpoint.get();
	u64 newest = 0;
	u8 tag = format::summary_tag(checkpoint);
	u32 blank = 0;

	if (!block)
		return Err::no_memory;
	for (u64 slot = 0; slot < 2; slot++) {
		const PhysicalBlock at(format::first_summary(index * format::groups_per_summary) +
				       slot);

		if (!read_blocks(device_, at, block, BlockCount(1)).is_ok())
			continue;
		blank += header.magic.get() == 0;
		if (!check_block(block, format::summary_magic, at, scan_->pool()).is_ok() ||
		    header.checkpoint.get() > checkpoint || header.checkpoint.get() < newest)
			continue;
		newest = header.checkpoint.get();
		tag = static_cast<u8>(format::summary_tag(newest) |
				      (slot ? format::slot_bit_8 : 0));
	}
	return newest == 0 && blank == 2 ? u8{ 0 } : tag;
}

/* Past all that any tree was born in. */
void Salvage::fill_clocks(format::Superblock &super, const CheckedCatalog &catalog)
{
	u64 generation = super.generation.get();
	u64 next_id = super.next_id.get();

	for (u32 i = 0; i < catalog.count(); i++) {
		const CheckedTree &tree = catalog.in_order(i);

		generation = max(generation, max(tree.generation(), tree.since()) + 1);
		next_id = max(next_id, tree.id() + 1);
	}
	super.generation.set(generation);
	super.next_id.set(static_cast<u32>(next_id));
}

/* ---- the journal ---- */

/*
 * A pool is made with a journal as long as its size asks for. If it went round, numbers
 * tell; else it ends where something else is at the latest.
 */
Status Salvage::fill_journal_length(format::Superblock &super, u64 first_used)
{
	const u64 least = super.journal_blocks.get();
	const u64 most = min(first_used, super.blocks.get()) - format::journal_start;
	const u64 rounds = scan_->journal_rounds();
	u64 length = journal_for(super.blocks.get(), 0);

	if (rounds == 0)
		length = max(min(length, most), least);
	else if (length < least || rounds % length != 0)
		for (length = least; length <= most && rounds % length != 0;)
			length++;
	super.journal_blocks.set(length);
	return length <= most ? Status() : Err::bad_records;
}

/* From the first block with something newer than the catalog on, if nothing can be missing before it. */
void Salvage::fill_journal_start(format::Superblock &super)
{
	const u64 checkpoint = super.header.checkpoint.get();
	u64 first = ~0ull;

	scan_->journal().each([&](const SeenJournal &seen) {
		if (seen.newest > checkpoint)
			first = min(first, seen.block - 1);
	});
	if (first == ~0ull)
		return;
	is_journal_lost_ =
		scan_->newest_node() > checkpoint || !is_journal_whole(first, checkpoint);
	if (!is_journal_lost_)
		super.journal_seq.set(first);
}

/*
 * Whether all blocks before @first are there down to one that was written before
 * the checkpoint began, or to the first that any pool writes.
 */
bool Salvage::is_journal_whole(u64 first, u64 checkpoint) const
{
	for (u64 number = first; number > format::journal_write_max; number--) {
		const SeenJournal *before = scan_->journal().find(number);

		if (!before)
			return false;
		if (before->durable + 2 <= checkpoint)
			return true;
	}
	return true;
}

/* ---- words ---- */

void Salvage::tell()
{
	const auto mended = [&] {
		if (check_.mended)
			check_.mended(&check_, text_);
	};

	tbk_format(
		text_, sizeof(text_),
		"superblocks: all were lost; the pool is as checkpoint %llu left it, told from the "
		"catalog in block %llu",
		root_->checkpoint, root_->pointer.block);
	mended();
	if (!has_name_) {
		tbk_format(text_, sizeof(text_),
			   "superblocks: its name is lost, and half of its UUID: it is pool %s now",
			   name_);
		mended();
	}
	if (is_journal_lost_) {
		tbk_format(
			text_, sizeof(text_),
			"journal: what flushes wrote after checkpoint %llu is lost: blocks are missing",
			root_->checkpoint);
		mended();
	}
}

} // namespace thinback
