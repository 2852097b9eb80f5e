// SPDX-License-Identifier: GPL-2.0
#include "repair.h"

#include <thinback/base/container.h>
#include <thinback/base/scope.h>

#include "superblock.h"
#include "sync_io.h"

/* One line about what was done. */
#define TBK_MENDED(...)                                        \
	do {                                                   \
		tbk_format(text_, sizeof(text_), __VA_ARGS__); \
		if (check_.mended)                             \
			check_.mended(&check_, text_);         \
	} while (0)

namespace thinback {

/* Who wants to know what is wrong runs a check. */
void Repair::ignore(struct tbk_check *, enum tbk_finding_class, const char *)
{
}

Repair::Repair(struct tbk_device &device, struct tbk_check &check)
	: device_(device), check_(check), report_(quiet_)
{
	quiet_.found = ignore;
	hook_.mending.space = mend_space;
	hook_.mending.volumes = mend_pool_parts;
	hook_.self = this;
}

Repair::~Repair()
{
	tbk_big_free(groups_);
	tbk_big_free(bits_);
}

Status Repair::find_superblock()
{
	const Status read = read_superblock(device_, super_);

	salvage_.reset();
	hook_.mending.super = nullptr;
	hook_.mending.epoch = 0;
	if (read.is_ok() && super_.read_only.get())
		return Err::newer_features;
	if (read.is_ok() || !is_superblock_lost(read.error()))
		return read;
	salvage_ = TBK_TRY(Salvage::create(device_, check_));
	TBK_TRY(salvage_->run(super_));
	hook_.mending.super = &super_;
	hook_.mending.epoch = salvage_->epoch();
	return {};
}

Status Repair::survey()
{
	TBK_TRY(find_superblock());
	survey_ = TBK_TRY(make<Survey>(report_));
	TBK_TRY(check_pool(device_, super_, report_, *survey_, Keep::all));
	dropper_.reset();
	if (survey_->has_catalog && (check_.repair & TBK_REPAIR_DROP))
		dropper_ = TBK_TRY(Dropper::create(device_, super_, *survey_, check_));
	if (dropper_ && !dropper_->has_work())
		dropper_.reset();
	tbk_big_free(groups_);
	groups_ = static_cast<BlockLedger::Wrong *>(
		tbk_big_alloc(survey_->ledger->groups() * sizeof(BlockLedger::Wrong)));
	if (!bits_)
		bits_ = static_cast<u64 *>(tbk_big_alloc(Group::words * sizeof(u64)));
	return groups_ && bits_ ? Status() : Err::no_memory;
}

Result<bool> Repair::find_wrong_groups()
{
	bool is_any = false;

	for (u64 g = 0; g < survey_->ledger->groups(); g++) {
		groups_[g] = TBK_TRY(survey_->ledger->rebuild(g, survey_->is_whole, bits_));
		is_any |= groups_[g].is;
	}
	return is_any;
}

bool Repair::has_wrong_volume() const
{
	for (u32 i = 0; i < survey_->catalog.count(); i++) {
		const CheckedTree &tree = survey_->catalog.in_order(i);

		if (tree.is_own_wrong() || tree.is_mapped_wrong())
			return true;
	}
	return false;
}

Status Repair::mend_space(Mending &hook, Space &space, u64 epoch)
{
	Repair &self = *container_of<&Hook::mending>(&hook).self;

	for (u64 g = 0; g < self.survey_->ledger->groups(); g++) {
		if (!self.groups_[g].is)
			continue;
		TBK_TRY(self.survey_->ledger->rebuild(g, self.survey_->is_whole, self.bits_));
		TBK_TRY(space.replace(g, self.bits_, epoch));
	}
	return {};
}

void Repair::mend_volumes(Pool &pool)
{
	MutexGuard guard(pool.catalog().lock());

	for (u32 i = 0; i < survey_->catalog.count(); i++) {
		const CheckedTree &tree = survey_->catalog.in_order(i);
		Volume *volume = pool.catalog().find_id(tree.record.id.get());

		if (!volume || (!tree.is_own_wrong() && !tree.is_mapped_wrong()))
			continue;
		MutexGuard volume_guard(volume->lock);

		pool.checkpointer().begin_change(*volume);
		if (tree.is_own_wrong())
			volume->usage.own = tree.own;
		if (tree.is_mapped_wrong())
			volume->usage.mapped = tree.mapped;
	}
}

Status Repair::mend_pool_parts(Mending &hook, Pool &pool)
{
	Repair &self = *container_of<&Hook::mending>(&hook).self;

	self.mend_volumes(pool);
	return self.dropper_ ? self.dropper_->run(pool) : Status();
}

/* What stands in the way of opening it is damage that stays: nothing is written then. */
Status Repair::mend_pool()
{
	auto opened = Pool::open_damaged(device_, hook_.mending, 0);

	if (!opened.is_ok())
		return opened.error() == Err::no_memory || dropper_ || salvage_
			       ? Status(opened.error())
			       : Status();
	Owned<Pool> pool = opened.release();

	TBK_TRY(pool->close());
	if (salvage_)
		salvage_->tell();
	tell_pool();
	if (dropper_)
		dropper_->tell();
	return {};
}

void Repair::tell_volume(const CheckedTree &tree)
{
	const TreeName name(tree);

	if (tree.is_own_wrong())
		TBK_MENDED("%s: has %llu blocks of its own, not %llu", name.text, tree.own,
			   tree.record.own.get());
	if (tree.is_mapped_wrong())
		TBK_MENDED("%s: maps %llu blocks, not %llu", name.text, tree.mapped,
			   tree.record.mapped.get());
}

void Repair::tell_pool()
{
	u64 told = 0;

	for (u64 g = 0; g < survey_->ledger->groups(); g++) {
		told += groups_[g].said;
		if (groups_[g].is)
			TBK_MENDED("group %llu: bitmaps made anew, %u blocks free, where %u were "
				   "said to be",
				   g, groups_[g].found, groups_[g].said);
	}
	if (told != super_.free.get())
		TBK_MENDED("superblock: its count of free blocks, %llu, is made anew",
			   super_.free.get());
	for (u32 i = 0; i < survey_->catalog.count(); i++)
		tell_volume(survey_->catalog.in_order(i));
	if (hook_.mending.replayed)
		TBK_MENDED("journal: %llu changes replayed", hook_.mending.replayed);
	if (hook_.mending.lost != Err::ok)
		TBK_MENDED("journal: what flushes wrote after that is lost: %s",
			   to_text(hook_.mending.lost));
}

/* ---- copies of nodes ---- */

/* From the other one: nodes never change where they lie, so this is as it was written. */
Status Repair::mend_node(const BadCopy &bad, void *image)
{
	const NodeHome home = { super_.header.pool.get(), super_.blocks.get() };
	const Copy good = bad.copy == Copy::first ? Copy::second : Copy::first;
	const u64 at = block_of(bad.pointer, bad.copy);

	if (!read_node(device_, bad.pointer, good, bad.kind, home, image).is_ok())
		return {};
	TBK_TRY(write_blocks(device_, PhysicalBlock(at), image, BlockCount(1),
			     TBK_IO_PREFLUSH | TBK_IO_FUA));
	TBK_MENDED("node of level %u in block %llu: written anew from its copy in block %llu",
		   bad.pointer.level, at, block_of(bad.pointer, good));
	return {};
}

Status Repair::mend_nodes()
{
	const BadCopies &bad = survey_->walk->bad_copies();
	void *image = tbk_alloc(format::block_size, TBK_MAY_SLEEP);
	const auto free_image = ScopeGuard([=] { tbk_free(image); });

	if (!image)
		return Err::no_memory;
	for (u32 i = 0; i < bad.count(); i++)
		TBK_TRY(mend_node(bad.at(i), image));
	return {};
}

/* ---- copies of the superblock ---- */

/* Of the newest one, in a slot of which nothing can be made: others stay as they are. */
Status Repair::mend_copy(u64 at, u8 *block)
{
	auto &copy = *reinterpret_cast<format::Superblock *>(block);

	copy = super_;
	copy.header.self.set(at);
	seal_block(block);
	TBK_TRY(write_blocks(device_, PhysicalBlock(at), block, BlockCount(1),
			     TBK_IO_PREFLUSH | TBK_IO_FUA));
	TBK_MENDED("copy of the superblock in block %llu: written anew", at);
	return {};
}

Status Repair::mend_ring(u64 at, u8 *block)
{
	for (u64 end = at + format::ring_length; at < end; at++) {
		const Status sound = verify_slot(device_, at, super_.header.pool.get(),
						 super_.header.checkpoint.get(), block);

		if (!sound.is_ok())
			TBK_TRY(mend_copy(at, block));
	}
	return {};
}

/* After all else, as a checkpoint moves on. */
Status Repair::mend_copies()
{
	u8 *block = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	const auto free_block = ScopeGuard([=] { tbk_big_free(block); });

	if (!block)
		return Err::no_memory;
	TBK_TRY(read_superblock(device_, super_));
	TBK_TRY(mend_ring(format::ring_a, block));
	return mend_ring(format::ring_b, block);
}

/* True when there may be more to do. */
Result<bool> Repair::pass()
{
	TBK_TRY(survey());
	const bool wrong_groups = TBK_TRY(find_wrong_groups());
	TBK_TRY(mend_nodes());
	const bool wrong_free = survey_->ledger->free_told() != super_.free.get();

	if (survey_->has_catalog && (wrong_groups || wrong_free || has_wrong_volume() ||
				     !survey_->is_journal_sound || dropper_ || salvage_))
		TBK_TRY(mend_pool());
	return !!dropper_;
}

/* A device may spoil what is written to it. */
void Repair::tell_endless()
{
	if (!check_.found)
		return;
	tbk_format(
		text_, sizeof(text_),
		"repair: after %u passes there is still more to give up: its end was not reached",
		most_passes);
	check_.found(&check_, TBK_FINDING_DAMAGED, text_);
}

/* What was given up leaves space behind that the next pass frees. */
Status Repair::run()
{
	bool is_more = true;

	for (u32 i = 0; is_more && i < most_passes; i++) {
		const auto more = pass();

		/* All that is to be said of it was said. */
		if (more.error() == Err::not_found)
			return {};
		if (!more.is_ok())
			return more.error();
		is_more = more.value();
	}
	if (is_more)
		tell_endless();
	return mend_copies();
}

} // namespace thinback

using namespace thinback;

int tbk_pool_repair(struct tbk_device *device, struct tbk_check *check, struct tbk_why *why)
{
	struct tbk_device_info info {};
	auto repair = make<Repair>(*device, *check);

	device->ops->info(device, &info);
	const Status done = info.read_only    ? Status(Err::read_only)
			    : !repair.is_ok() ? Status(repair.error())
					      : repair.value()->run();

	if (done.is_ok())
		return 0;
	if (done.error() == Err::no_pool)
		TBK_EXPLAIN(why, "%s holds no thinback pool", info.name);
	else
		TBK_EXPLAIN(why, "the pool on %s cannot be repaired: %s", info.name,
			    to_text(done.error()));
	return to_errno(done.error());
}
