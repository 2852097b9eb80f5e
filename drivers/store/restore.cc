// SPDX-License-Identifier: GPL-2.0
#include "restore.h"

#include <thinback/base/scope.h>

#include "make.h"
#include "superblock.h"

namespace thinback {
namespace {

/* More than a pool can have gone on since a dump was made of it: 34 years of one each second. */
constexpr u64 checkpoints_since = 1ull << 30;

constexpr u32 known_flags = format::catalog_snapshot | format::catalog_hidden |
			    format::catalog_removing | format::catalog_detect_zeroes |
			    format::catalog_large_sectors;

/* NULL, or why there can be no such pool. */
const char *wrong_with(const struct tbk_dump_pool &pool)
{
	if (!Name::parse(pool.name).is_ok())
		return "its name is none";
	if (pool.blocks < format::smallest_pool || pool.blocks > format::low_48 ||
	    usable_blocks(pool.blocks * format::block_size) != pool.blocks)
		return "no pool is of that size";
	if (pool.journal_blocks > format::group_blocks ||
	    pool.journal_blocks > pool.blocks - format::journal_start)
		return "its journal is larger than it can be";
	if (pool.generation == 0 || pool.generation > format::low_48 ||
	    pool.checkpoint > format::low_48 - checkpoints_since ||
	    pool.journal_next > format::low_48)
		return "its counters are out of range";
	return nullptr;
}

/* NULL, or why there can be no such object in a pool that is at @newest. */
const char *wrong_with(const struct tbk_dump_object &object, u64 newest)
{
	const bool is_snapshot = (object.flags & TBK_OBJECT_SNAPSHOT) != 0;

	if (object.flags & ~known_flags)
		return "it has unknown flags";
	if (!Name::parse(object.name).is_ok())
		return "its name is none";
	if (is_snapshot ? !Name::parse(object.volume).is_ok() : object.volume[0] != 0)
		return "the name of its volume is none";
	if (object.size == 0 || object.size >= format::end_of_keys)
		return "no volume is of that size";
	if (is_snapshot ? object.generation <= object.since || object.generation >= newest
			: object.generation != 0)
		return "its generation is none that it can have";
	return object.since >= newest ? "it descends from a generation that is yet to come"
				      : nullptr;
}

void fill_record(format::CatalogRecord &record, const struct tbk_dump_object &object)
{
	record.id.set(object.id);
	__builtin_memcpy(record.name, object.name, sizeof(record.name));
	__builtin_memcpy(record.volume, object.volume, sizeof(record.volume));
	__builtin_memcpy(record.uuid, object.uuid, sizeof(record.uuid));
	record.parent.set(object.parent);
	record.flags.set(object.flags);
	record.size.set(object.size);
	record.since.set(object.since);
	record.generation.set(object.generation);
	record.own.set(object.own);
	record.mapped.set(object.mapped);
	record.created.set(object.created);
	record.merged.set(object.merged);
	record.merge_gone.set(object.merge_gone);
	record.quota.set(object.quota);
	record.reserve.set(object.reserve);
	record.on_full.set(object.on_full);
	record.full_wait.set(object.full_wait);
}

} // namespace

/* Its parent may not be linked yet. */
TreeName Restore::name_of(const Volume &volume)
{
	CheckedTree tree{};

	tree.record.id.set(volume.id);
	tree.record.flags.set(volume.flags);
	__builtin_memcpy(tree.record.name, volume.name.text, format::name_size);
	__builtin_memcpy(tree.record.volume, volume.of.text, format::name_size);
	return TreeName(tree);
}

Status Restore::refuse(Why *why, const Volume &volume, const char *what)
{
	TBK_EXPLAIN(why, "%s: %s", name_of(volume).text, what);
	return Err::bad_argument;
}

/*
 * Numbers of checkpoints and of the journal's blocks go on past all that may lie on the device: were
 * all superblocks lost once more, what is found of the old pool must not be taken for newer.
 */
Status Restore::make_empty(const struct tbk_dump_pool &told)
{
	constexpr u64 bytes = format::ring_length * format::block_size;
	void *zeroes = tbk_big_alloc(bytes);
	const auto free_zeroes = ScopeGuard([=] { tbk_big_free(zeroes); });

	if (!zeroes)
		return Err::no_memory;
	fill_empty(super_, told.blocks, told.journal_blocks);
	__builtin_memcpy(super_.uuid, told.uuid, sizeof(super_.uuid));
	__builtin_memcpy(&super_.header.pool, told.uuid, sizeof(super_.header.pool));
	__builtin_memcpy(super_.name, told.name, sizeof(super_.name));
	super_.generation.set(told.generation);
	super_.created.set(told.created);
	super_.journal_seq.set(told.journal_next + told.journal_blocks + format::journal_write_max);
	super_.low.set(static_cast<u16>(told.low));
	super_.critical.set(static_cast<u16>(told.critical));
	super_.policy.set(told.policy);
	super_.discard_rate.set(told.discard_rate);
	return write_rings(*scratch_.device, super_, told.checkpoint + checkpoints_since, zeroes);
}

Status Restore::begin(const struct tbk_dump_pool &told, u32 flags, Why *why)
{
	const char *wrong = wrong_with(told);

	constexpr u32 policies = format::policy_discard | format::policy_scrub_freed;

	if (wrong || told.low > 1000 || told.critical > 1000 || (told.policy & ~policies)) {
		TBK_EXPLAIN(why, "the pool: %s",
			    wrong ? wrong : "its marks, or its policy, are none that there can be");
		return Err::bad_argument;
	}
	flags_ = flags;
	TBK_TRY(make_empty(told));
	pool_ = TBK_TRY(Pool::open(*scratch_.device, 0, why));
	builder_ = TBK_TRY(make<TreeBuilder>(pool_->cache(), pool_->space()));
	MutexGuard guard(pool_->catalog().lock());

	pool_->catalog().set_next_id(told.next_id);
	return {};
}

Status Restore::add(const struct tbk_dump_object &told, Why *why)
{
	const char *wrong = wrong_with(told, super_.generation.get());
	alignas(8) format::CatalogRecord record{};
	MutexGuard guard(pool_->catalog().lock());

	if (wrong || is_linked_) {
		TBK_EXPLAIN(why, "id %u: %s", told.id, wrong ? wrong : "it comes after trees");
		return Err::bad_argument;
	}
	fill_record(record, told);
	const Status added = pool_->catalog().load_record(record);

	if (added.is_ok() || added.error() == Err::no_memory)
		return added;
	TBK_EXPLAIN(why, "id %u: ids go up and are below %u, and limits have their bounds", told.id,
		    pool_->catalog().next_id());
	return Err::bad_argument;
}

Status Restore::link(Why *why)
{
	MutexGuard guard(pool_->catalog().lock());

	is_linked_ = true;
	for (const Volume *volume : pool_->catalog().all()) {
		const u32 id = Catalog::parent_id(*volume);
		const Volume *parent = id ? pool_->catalog().find_id(id) : nullptr;

		objects_++;
		if (parent ? !parent->is_snapshot() || parent->generation != volume->tree.since()
			   : id != 0 || volume->tree.since() != 0)
			return refuse(
				why, *volume,
				"its parent is no snapshot of the generation it descends from");
	}
	if (pool_->catalog().link_parents().is_ok())
		return {};
	TBK_EXPLAIN(why, "a merge is said to be under way, and cannot be");
	return Err::bad_argument;
}

Status Restore::tree(u32 id, Why *why)
{
	const Volume *before = volume_;

	if (!is_linked_)
		TBK_TRY(link(why));
	TBK_TRY(end_tree());
	MutexGuard guard(pool_->catalog().lock());

	volume_ = pool_->catalog().find_id(id);
	if (!volume_) {
		TBK_EXPLAIN(why, "there is no volume or snapshot with id %u", id);
		return Err::bad_argument;
	}
	const u64 since = volume_->tree.since();

	if (before &&
	    (before->tree.since() > since || (before->tree.since() == since && before->id >= id)))
		return refuse(why, *volume_, "its extents come out of order, or twice");
	trees_++;
	newest_ = volume_->is_snapshot() ? volume_->generation : super_.generation.get();
	end_ = built_ = count_ = 0;
	if (!is_again_ || !volume_->parent)
		return {};
	MutexGuard volume_guard(volume_->lock);

	(void)pool_->checkpointer().begin_change(*volume_);
	volume_->tree.set_root(volume_->parent->tree.root(), false);
	return {};
}

Status Restore::end_trees(Why *why)
{
	if (!is_linked_)
		TBK_TRY(link(why));
	TBK_TRY(end_tree());
	if (trees_ == objects_)
		return {};
	TBK_EXPLAIN(why, "there are %u volumes and snapshots, and the extents of %u", objects_,
		    trees_);
	return Err::bad_argument;
}

Status Restore::again(Why *why)
{
	TBK_TRY(end_trees(why));
	is_again_ = true;
	volume_ = nullptr;
	trees_ = 0;
	return {};
}

void Restore::found(struct tbk_check *check, enum tbk_finding_class, const char *text)
{
	auto *finding = static_cast<Finding *>(check->context);

	if (!finding->text[0])
		tbk_format(finding->text, sizeof(finding->text), "%s", text);
}

void Restore::progress(struct tbk_check *check, u64 done, u64 total)
{
	auto *listener = static_cast<Finding *>(check->context)->listener;

	if (listener && listener->progress)
		listener->progress(listener, done, total);
}

Status Restore::close()
{
	builder_->relax();
	builder_.reset();
	TBK_TRY(pool_->close());
	pool_.reset();
	return {};
}

/* A repair makes counters anew of which nobody can know what they should be. */
Status Restore::check(struct tbk_check *listener, Why *why)
{
	Finding finding{};

	TBK_TRY(end_trees(why));
	TBK_TRY(close());
	finding.check.found = found;
	finding.check.progress = progress;
	finding.check.context = &finding;
	finding.listener = listener;
	int error = has_lost_ ? tbk_pool_repair(scratch_.device, &finding.check, why) : 0;

	finding.text[0] = 0;
	if (!error)
		error = tbk_pool_check(scratch_.device, &finding.check, why);
	if (error)
		return from_errno(-error);
	if (!finding.text[0])
		return {};
	TBK_EXPLAIN(why, "%s", finding.text);
	return Err::bad_argument;
}

} // namespace thinback
