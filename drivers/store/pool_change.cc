// SPDX-License-Identifier: GPL-2.0
/* What changes the catalog: each durable when it returns. */
#include "pool.h"

namespace thinback {

constexpr u64 block_bytes = format::block_size;

Result<Name> parse_name(const char *text, const char *what, Why *why)
{
	auto name = Name::parse(text);

	if (name.is_ok())
		return name;
	if (name.error() == Err::name_too_long)
		TBK_EXPLAIN(why, "the name of the %s is longer than %d characters", what,
			    TBK_NAME_MAX);
	else
		TBK_EXPLAIN(why, "\"%.63s\" is no name for a %s", text ? text : "", what);
	TBK_HINT(why, "names have 1 to 63 of A-Z a-z 0-9 . _ - and do not start with - or .");
	return name;
}

Result<u64> size_in_blocks(u64 bytes, Why *why)
{
	const u64 blocks = bytes / block_bytes + (bytes % block_bytes ? 1 : 0);

	if (blocks > 0 && blocks < format::end_of_keys)
		return blocks;
	TBK_EXPLAIN(why, "a volume cannot be of %llu bytes", bytes);
	TBK_HINT(why, "the size is from 4096 bytes to just under 4 PiB");
	return Err::bad_argument;
}

Status Pool::may_change(Why *why) const
{
	if (read_only_) {
		TBK_EXPLAIN(why, "pool %s is open read-only", name_.text);
		return Err::read_only;
	}
	return must_be_whole(why);
}

Status Pool::must_be_whole(Why *why) const
{
	if (checkpointer_->has_failed()) {
		TBK_EXPLAIN(why, "pool %s takes no changes since a write of its metadata failed",
			    name_.text);
		TBK_HINT(why, "see the kernel's log, then detach the pool and check its device");
		return Err::pool_failed;
	}
	return {};
}

/* Its record is written by the next checkpoint. */
void Pool::touch(Volume &volume)
{
	MutexGuard guard(volume.lock);

	checkpointer_->begin_change(volume);
}

Result<Volume *> Pool::add(const Name &name, u64 blocks)
{
	Volume *volume = TBK_TRY(catalog_->add());

	volume->name = name;
	volume->set_size(blocks);
	return volume;
}

Status Pool::create(const char *name, u64 bytes, u32 flags, Why *why)
{
	TBK_TRY(may_change(why));
	const Name parsed = TBK_TRY(parse_name(name, "volume", why));
	const u64 blocks = TBK_TRY(size_in_blocks(bytes, why));
	{
		MutexGuard guard(catalog_->lock());

		if (catalog_->find(name, nullptr)) {
			TBK_EXPLAIN(why, "volume %s/%s exists already", name_.text, name);
			return Err::exists;
		}
		Volume *made = TBK_TRY(add(parsed, blocks));

		made->flags = flags & format::catalog_large_sectors;
		touch(*made);
	}
	return sync();
}

/*
 * The snapshot takes over the volume's tree as it is, sealed; the volume goes
 * on from there, and what it writes is born in the next generation.
 */
Status Pool::snapshot(const char *volume, const char *snapshot, Why *why)
{
	TBK_TRY(may_change(why));
	space_->prepare_copies();
	const Name name = TBK_TRY(parse_name(snapshot, "snapshot", why));
	{
		MutexGuard guard(catalog_->lock());
		Volume *origin = catalog_->find(volume, nullptr);

		if (!origin) {
			TBK_EXPLAIN(why, "there is no volume %s/%s", name_.text, volume);
			return Err::not_found;
		}
		if (catalog_->find(volume, snapshot)) {
			TBK_EXPLAIN(why, "snapshot %s/%s@%s exists already", name_.text, volume,
				    snapshot);
			return Err::exists;
		}
		Volume *taken = TBK_TRY(add(name, origin->size()));

		if (origin->io)
			origin->io->freeze();
		take_snapshot(*origin, *taken);
		if (origin->io)
			origin->io->thaw();
		touch(*taken);
	}
	return sync();
}

void Pool::take_snapshot(Volume &origin, Volume &taken)
{
	MutexGuard guard(origin.lock);

	checkpointer_->begin_change(origin);
	checkpointer_->seal(origin);
	taken.of = origin.name;
	taken.flags = origin.flags | format::catalog_snapshot;
	taken.generation = checkpointer_->generation();
	taken.parent = origin.parent;
	taken.tree.set_root(origin.tree.root(), false);
	taken.tree.set_since(origin.tree.since());
	set_usage(taken, origin.usage);
	/* What is being merged into the volume goes on being merged into the snapshot. */
	taken.tree.set_merged(origin.tree.floor(), origin.tree.merged());
	origin.tree.set_merged(0, 0);
	origin.usage.gone = 0;
	origin.parent = &taken;
	taken.children = 1;
	origin.tree.set_since(taken.generation);
	origin.usage.own = 0;
	origin.allowance.follow(0, 0, *space_);
	checkpointer_->next_generation();
}

/* Nobody else knows @volume yet. */
void Pool::set_usage(Volume &volume, const Usage &usage) TBK_NO_TSA
{
	volume.usage = usage;
}

Status Pool::clone(const char *volume, const char *snapshot, const char *name, u64 bytes, Why *why)
{
	TBK_TRY(may_change(why));
	const Name parsed = TBK_TRY(parse_name(name, "volume", why));
	const u64 blocks = bytes / block_bytes + (bytes % block_bytes ? 1 : 0);
	{
		MutexGuard guard(catalog_->lock());
		Volume *origin = catalog_->find(volume, snapshot);

		if (!origin || !origin->is_snapshot()) {
			TBK_EXPLAIN(why, "there is no snapshot %s/%s@%s", name_.text, volume,
				    snapshot ? snapshot : "");
			return Err::not_found;
		}
		if (catalog_->find(name, nullptr)) {
			TBK_EXPLAIN(why, "volume %s/%s exists already", name_.text, name);
			return Err::exists;
		}
		if (blocks != 0 && (blocks < origin->size() || blocks >= format::end_of_keys)) {
			TBK_EXPLAIN(why, "a clone of %s/%s@%s cannot be of %llu bytes", name_.text,
				    volume, snapshot, bytes);
			TBK_HINT(why, "the snapshot has %llu bytes: a clone has as many or more",
				 origin->size() * block_bytes);
			return Err::bad_argument;
		}
		TBK_TRY(add_clone(*origin, parsed, blocks ? blocks : origin->size()));
	}
	return sync();
}

Result<Volume *> Pool::add_clone(Volume &origin, const Name &name, u64 blocks)
{
	Volume *made = TBK_TRY(add(name, blocks));
	Usage usage;
	{
		MutexGuard origin_guard(origin.lock);
		usage = origin.usage;
		made->tree.set_root(origin.tree.root(), false);
	}
	usage.own = usage.gone = 0;
	set_usage(*made, usage);
	made->tree.set_since(origin.generation);
	made->flags = origin.flags & format::catalog_large_sectors;
	made->parent = &origin;
	origin.children++;
	touch(*made);
	return made;
}

/* A snapshot with children keeps what they need until there are none. */
void Pool::mark_removed(Volume &volume)
{
	volume.flags |= volume.children > 0 ? format::catalog_hidden : format::catalog_removing;
	{
		MutexGuard guard(volume.lock);
		volume.allowance.set({}, volume.usage.own, *space_);
	}
	touch(volume);
}

/* A volume, and its snapshots if @recursive: all or nothing. */
Status Pool::remove_all(Volume &volume, bool recursive, Why *why)
{
	for (Volume *v : catalog_->all()) {
		if (v->is_gone() || !v->is_snapshot() || !(v->of == volume.name))
			continue;
		if (!recursive) {
			TBK_EXPLAIN(why, "%s/%s has snapshots, %s is one", name_.text,
				    volume.name.text, v->name.text);
			TBK_HINT(why, "to remove them as well: thinback remove --recursive %s/%s",
				 name_.text, volume.name.text);
			return Err::not_empty;
		}
		if (v->opens > 0) {
			TBK_EXPLAIN(why, "its snapshot %s/%s@%s is in use", name_.text,
				    volume.name.text, v->name.text);
			return Err::busy;
		}
	}
	for (Volume *v : catalog_->all()) {
		if (!v->is_gone() && v->is_snapshot() && v->of == volume.name)
			mark_removed(*v);
	}
	mark_removed(volume);
	return {};
}

Status Pool::remove(const char *volume, const char *snapshot, u32 flags, Why *why)
{
	TBK_TRY(may_change(why));
	{
		MutexGuard guard(catalog_->lock());
		Volume *found = TBK_TRY(require(volume, snapshot, why));

		if (found->opens > 0) {
			TBK_EXPLAIN(why, "%s/%s%s%s is in use", name_.text, volume,
				    snapshot && snapshot[0] ? "@" : "", snapshot ? snapshot : "");
			return Err::busy;
		}
		if (found->is_snapshot())
			mark_removed(*found);
		else
			TBK_TRY(remove_all(*found, flags & TBK_REMOVE_RECURSIVE, why));
	}
	TBK_TRY(sync());
	cleaner_->kick();
	return {};
}

} // namespace thinback
