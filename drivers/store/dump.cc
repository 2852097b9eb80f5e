// SPDX-License-Identifier: GPL-2.0
#include "dump.h"

#include "check.h"
#include "superblock.h"

namespace thinback {

static_assert(static_cast<u32>(format::ExtentState::data) == TBK_DUMP_DATA &&
	      static_cast<u32>(format::ExtentState::zero) == TBK_DUMP_ZERO);
static_assert(format::catalog_snapshot == TBK_OBJECT_SNAPSHOT &&
	      format::catalog_hidden == TBK_OBJECT_HIDDEN &&
	      format::catalog_removing == TBK_OBJECT_REMOVING &&
	      format::catalog_large_sectors == TBK_OBJECT_LARGE_SECTORS);

/* Who wants to know what is wrong runs a check. */
void Dump::ignore(struct tbk_check *, enum tbk_finding_class, const char *)
{
}

Status Dump::leave_space(Mending &, Space &, u64)
{
	return {};
}

Status Dump::leave_volumes(Mending &, Pool &)
{
	return {};
}

Dump::Dump(struct tbk_device &device, struct tbk_dump &to)
	: device_(device), to_(to), report_(quiet_), catalog_(report_)
{
	quiet_.found = ignore;
	mending_.space = leave_space;
	mending_.volumes = leave_volumes;
}

/* With a journal that ends where it cannot be read; else without a pool, from the device alone. */
Status Dump::open_damaged()
{
	auto opened = Pool::open_damaged(device_, mending_, TBK_POOL_READ_ONLY);

	if (opened.is_ok()) {
		pool_ = opened.release();
		if (mending_.lost != Err::ok)
			TBK_LOST("journal: what flushes wrote last cannot be read: %s",
				 to_text(mending_.lost));
		return {};
	}
	if (opened.error() == Err::no_memory)
		return opened.error();
	cache_ = TBK_TRY(NodeCache::create(device_, { super_.header.pool.get(), super_.blocks.get(),
						      super_.blocks.get(), true }));
	TBK_LOST(
		"journal: what flushes wrote after checkpoint %llu cannot be told: the pool cannot "
		"be opened: %s",
		super_.header.checkpoint.get(), to_text(opened.error()));
	return {};
}

Status Dump::open(Why *why)
{
	auto opened = Pool::open(device_, TBK_POOL_READ_ONLY, why);

	if (opened.is_ok()) {
		pool_ = opened.release();
		tell_pool();
		return {};
	}
	if (opened.error() == Err::no_memory || !read_superblock(device_, super_).is_ok())
		return opened.error();
	tell_pool();
	return open_damaged();
}

void Dump::tell_pool()
{
	struct tbk_dump_pool pool {};

	if (pool_)
		super_ = pool_->checkpointer().super();
	__builtin_memcpy(pool.name, super_.name, sizeof(pool.name));
	__builtin_memcpy(pool.uuid, super_.uuid, sizeof(pool.uuid));
	pool.blocks = super_.blocks.get();
	pool.journal_blocks = super_.journal_blocks.get();
	pool.journal_next = super_.journal_seq.get();
	pool.generation = super_.generation.get();
	pool.checkpoint = super_.header.checkpoint.get();
	pool.created = super_.created.get();
	pool.next_id = super_.next_id.get();
	pool.low = super_.low.get();
	pool.critical = super_.critical.get();
	pool.policy = super_.policy.get();
	pool.discard_rate = super_.discard_rate.get();
	to_.pool(&to_, &pool);
}

/* As the pool has them, or the catalog's tree, as far as that can be read. */
Status Dump::read_records()
{
	if (!pool_) {
		const NodePointer root = read_root(super_.catalog);

		return root.block ? read_node_of_catalog(root, { 0, super_.next_id.get() })
				  : Status();
	}
	MutexGuard guard(pool_->catalog().lock());

	for (Volume *volume : pool_->catalog().all()) {
		alignas(8) format::CatalogRecord record{};

		fill_record(record, *volume);
		TBK_TRY(catalog_.add(record));
	}
	return {};
}

/* As deep as the tree is high. */
Status Dump::read_node_of_catalog(const NodePointer &pointer, Range ids)
{
	auto read = cache().get(pointer, format::TreeKind::catalog);

	if (!read.is_ok() && read.error() == Err::no_memory)
		return read.error();
	if (!read.is_ok()) {
		is_whole_ = false;
		TBK_LOST("catalog: volumes and snapshots with ids %llu to %llu: block %llu: %s",
			 ids.low, ids.high - 1, pointer.block, to_text(read.error()));
		return {};
	}
	const Pin node(cache(), read.value());

	if (node->level() == 0)
		return add_records(*node.get());
	return node->each_child(ids, [this](const NodePointer &child, Range part) {
		return read_node_of_catalog(child, part);
	});
}

Status Dump::add_records(const Node &leaf)
{
	const auto *records = reinterpret_cast<const format::CatalogRecord *>(
		leaf.image() + sizeof(format::BlockHeader));

	for (u32 i = 0; i < leaf.count(); i++)
		TBK_TRY(catalog_.add(records[i]));
	return {};
}

void Dump::tell_object(const format::CatalogRecord &record)
{
	struct tbk_dump_object object {};

	object.id = static_cast<u32>(record.id.get());
	object.parent = record.parent.get();
	object.flags = record.flags.get();
	__builtin_memcpy(object.name, record.name, sizeof(object.name));
	__builtin_memcpy(object.volume, record.volume, sizeof(object.volume));
	__builtin_memcpy(object.uuid, record.uuid, sizeof(object.uuid));
	object.size = record.size.get();
	object.since = record.since.get();
	object.generation = record.generation.get();
	object.own = record.own.get();
	object.mapped = record.mapped.get();
	object.created = record.created.get();
	object.merged = record.merged.get();
	object.merge_gone = record.merge_gone.get();
	object.quota = record.quota.get();
	object.reserve = record.reserve.get();
	object.on_full = record.on_full.get();
	object.full_wait = record.full_wait.get();
	to_.object(&to_, &object);
}

Status Dump::run(Why *why)
{
	TBK_TRY(open(why));
	TBK_TRY(read_records());
	TBK_TRY(catalog_.verify(super_, is_whole_));
	for (u32 i = 0; i < catalog_.count() && !to_.error; i++)
		tell_object(catalog_.by_id(i).record);
	total_ = nodes_in_use(super_, catalog_);
	for (u32 i = 0; i < catalog_.count() && !to_.error; i++)
		TBK_TRY(tell_tree(catalog_.in_order(i)));
	return {};
}

} // namespace thinback

using namespace thinback;

int tbk_pool_dump(struct tbk_device *device, struct tbk_dump *dump, struct tbk_why *why)
{
	struct tbk_device_info info {};
	auto made = make<Dump>(*device, *dump);

	if (why)
		*why = {};
	device->ops->info(device, &info);
	const Status done = made.is_ok() ? made.value()->run(why) : Status(made.error());

	if (done.is_ok() || dump->error)
		return dump->error;
	/* To whom a pool is lost, none needs to be made. */
	if (why)
		why->hint[0] = 0;
	if (why && why->text[0] == 0)
		TBK_EXPLAIN(why, "the pool on %s cannot be dumped: %s", info.name,
			    to_text(done.error()));
	return to_errno(done.error());
}
