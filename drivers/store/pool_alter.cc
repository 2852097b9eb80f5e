// SPDX-License-Identifier: GPL-2.0
/* What changes volumes that there are: names, content, size. Each durable when it returns. */
#include "pool.h"

namespace thinback {
namespace {

constexpr u64 block_bytes = format::block_size;

const char *at_sign(const char *snapshot)
{
	return snapshot && snapshot[0] ? "@" : "";
}

const char *or_nothing(const char *snapshot)
{
	return snapshot ? snapshot : "";
}

u64 mapped_in(Volume &volume)
{
	MutexGuard guard(volume.lock);

	return volume.usage.mapped;
}

} // namespace

Result<Volume *> Pool::require(const char *volume, const char *snapshot, Why *why)
{
	Volume *found = catalog_->find(volume, snapshot);

	if (found)
		return found;
	TBK_EXPLAIN(why, "there is no %s/%s%s%s", name_.text, volume, at_sign(snapshot),
		    or_nothing(snapshot));
	return Err::not_found;
}

Status Pool::require_unused(const Volume &volume, Why *why) const
{
	if (volume.opens == 0)
		return {};
	if (volume.is_snapshot())
		TBK_EXPLAIN(why, "%s/%s@%s is in use", name_.text, volume.of.text,
			    volume.name.text);
	else
		TBK_EXPLAIN(why, "%s/%s is in use", name_.text, volume.name.text);
	return Err::busy;
}

/* Its snapshots bear its name, too. Those that are gone keep it for `list`. */
Status Pool::rename_all(Volume &volume, const Name &name, Why *why)
{
	TBK_TRY(require_unused(volume, why));
	for (Volume *v : catalog_->all()) {
		if (v->is_snapshot() && v->of == volume.name)
			TBK_TRY(require_unused(*v, why));
	}
	for (Volume *v : catalog_->all()) {
		if (!v->is_snapshot() || !(v->of == volume.name))
			continue;
		v->of = name;
		touch(*v);
	}
	volume.name = name;
	touch(volume);
	return {};
}

Status Pool::rename(const char *volume, const char *snapshot, const char *to, Why *why)
{
	TBK_TRY(may_change(why));
	const bool is_snapshot = snapshot && snapshot[0];
	const Name name = TBK_TRY(parse_name(to, is_snapshot ? "snapshot" : "volume", why));
	{
		MutexGuard guard(catalog_->lock());
		Volume *found = TBK_TRY(require(volume, snapshot, why));

		if (found->name == name)
			return {};
		if (is_snapshot ? catalog_->find(volume, to) : catalog_->find(to, nullptr)) {
			TBK_EXPLAIN(why, "%s/%s%s%s exists already", name_.text,
				    is_snapshot ? volume : to, is_snapshot ? "@" : "",
				    is_snapshot ? to : "");
			return Err::exists;
		}
		if (!is_snapshot) {
			TBK_TRY(rename_all(*found, name, why));
		} else {
			TBK_TRY(require_unused(*found, why));
			found->name = name;
			touch(*found);
		}
	}
	return sync();
}

/* The volume's tree as it is, sealed, becomes a snapshot of that name. */
void Pool::turn_into_snapshot(Volume &volume, const Name &name)
{
	MutexGuard guard(volume.lock);

	checkpointer_->begin_change(volume);
	checkpointer_->seal(volume);
	volume.of = volume.name;
	volume.name = name;
	volume.flags |= format::catalog_snapshot;
	volume.generation = checkpointer_->generation();
	checkpointer_->next_generation();
}

/* A new tree takes the volume's name and place; the old one stays as a snapshot, or goes as if removed. */
Status Pool::rollback(const char *volume, const char *snapshot, const char *keep, Why *why)
{
	TBK_TRY(may_change(why));
	space_->prepare_copies();
	const bool is_kept = keep && keep[0];
	Name kept;

	if (is_kept)
		kept = TBK_TRY(parse_name(keep, "snapshot", why));
	{
		MutexGuard guard(catalog_->lock());
		Volume *old = TBK_TRY(require(volume, nullptr, why));
		Volume *to = TBK_TRY(require(volume, snapshot, why));

		if (!to->is_snapshot()) {
			TBK_EXPLAIN(why, "%s/%s is no snapshot to go back to", name_.text, volume);
			return Err::bad_argument;
		}
		TBK_TRY(require_unused(*old, why));
		if (is_kept && catalog_->find(volume, keep)) {
			TBK_EXPLAIN(why, "snapshot %s/%s@%s exists already", name_.text, volume,
				    keep);
			return Err::exists;
		}
		Volume *made = TBK_TRY(add_clone(*to, old->name, to->size()));

		__builtin_memcpy(made->uuid, old->uuid, sizeof(made->uuid));
		made->created = old->created;
		move_limits(*old, *made);
		if (is_kept)
			turn_into_snapshot(*old, kept);
		else
			mark_removed(*old);
	}
	TBK_TRY(sync());
	cleaner_->kick();
	return {};
}

/* Whether the map from @from on can be read, so that damage is found before anything goes. */
Status Pool::read_map(Volume &volume, u64 from)
{
	const u64 end = volume.size();
	u64 at = from;

	while (at < end) {
		MutexGuard guard(volume.lock);

		at += TBK_TRY(find_extent_locked(volume.tree, *cache_, VirtualBlock(at),
						 BlockCount(end - at)))
			      .run.raw();
	}
	return {};
}

/* The first piece of what is mapped from @at on; returns where to go on. */
Result<u64> Pool::cut_piece(Volume &volume, ExtentEditor &editor, u64 at, u64 end)
{
	constexpr u64 at_once = 1 << 16;
	MutexGuard guard(volume.lock);
	const Mapping found = TBK_TRY(
		find_extent_locked(volume.tree, *cache_, VirtualBlock(at), BlockCount(end - at)));

	if (found.kind == Mapping::Kind::hole)
		return at + found.run.raw();
	const Moment moment = checkpointer_->begin_change(volume);
	const u64 count = min(end - at, at_once);
	const Status cut = editor.unmap(volume.tree, volume.usage, VirtualBlock(at),
					BlockCount(count), moment);

	volume.allowance.follow(volume.usage.own, 0, *space_);
	if (volume.io)
		volume.io->forget_changes(moment);
	TBK_TRY(cut);
	return at + count;
}

/*
 * What lies past the new end goes in the same epoch as the size, since no
 * checkpoint begins while the catalog is held. Guests write on: those who are
 * inside are let finish first.
 */
Status Pool::cut_off(Volume &volume, u64 blocks)
{
	Owned<ExtentEditor> editor = TBK_TRY(make<ExtentEditor>(*cache_, *space_));
	const u64 end = volume.size();
	Status cut;

	editor->set_spare(ExtentEditor::spare_of_changes);
	if (volume.io)
		volume.io->freeze();
	volume.set_size(blocks);
	for (u64 at = blocks; at < end && cut.is_ok();) {
		const auto next = cut_piece(volume, *editor, at, end);

		if (next.is_ok())
			at = next.value();
		cut = Status(next.error());
	}
	if (!cut.is_ok())
		volume.set_size(end);
	if (volume.io)
		volume.io->thaw();
	return cut;
}

/*
 * What is written past the old end is in no record before a checkpoint knows of the new one:
 * whoever opens the pool would find it beyond the volume's end.
 */
void Pool::touch_size(Volume &volume, u64 blocks)
{
	{
		MutexGuard guard(volume.lock);
		const Moment moment = checkpointer_->begin_change(volume);

		if (volume.io)
			volume.io->forget_changes(moment);
	}
	volume.set_size(blocks);
}

/* @is_less: some of the tail has gone. */
Status Pool::shrink(Volume &volume, u64 blocks, bool &is_less, Why *why)
{
	const Status readable = read_map(volume, blocks);
	const u64 before = mapped_in(volume);

	if (!readable.is_ok()) {
		TBK_EXPLAIN(why, "%s/%s stays as it is: its map past %llu bytes: %s", name_.text,
			    volume.name.text, blocks * block_bytes, to_text(readable.error()));
		TBK_HINT(why, "see the kernel's log; to mend it: thinback check --repair");
		return readable;
	}
	const Status cut = cut_off(volume, blocks);

	is_less = mapped_in(volume) < before;
	if (!cut.is_ok()) {
		TBK_EXPLAIN(why, "%s/%s is still of %llu bytes%s: %s", name_.text, volume.name.text,
			    volume.size() * block_bytes,
			    is_less ? ", and some of what is to go reads as zeros" : "",
			    to_text(cut.error()));
		TBK_HINT(why, "make room in the pool or memory, then do the same again");
	}
	return cut;
}

Status Pool::resize_once(const char *volume, u64 blocks, u32 flags, bool &is_less, Why *why)
{
	MutexGuard guard(catalog_->lock());
	Volume *found = TBK_TRY(require(volume, nullptr, why));

	if (blocks < found->size() && !(flags & TBK_RESIZE_SHRINK)) {
		TBK_EXPLAIN(why, "%s/%s has %llu bytes: what is past %llu would be lost",
			    name_.text, volume, found->size() * block_bytes, blocks * block_bytes);
		TBK_HINT(why, "to cut it off all the same: --shrink");
		return Err::bad_argument;
	}
	if (blocks < found->size())
		TBK_TRY(shrink(*found, blocks, is_less, why));
	touch_size(*found, blocks);
	return {};
}

/*
 * Nodes that a shrink replaces come back with a checkpoint: where they run short it goes on after
 * one. Not without end: a guest may fill up again what has gone.
 */
Status Pool::resize(const char *volume, u64 bytes, u32 flags, Why *why)
{
	TBK_TRY(may_change(why));
	const u64 blocks = TBK_TRY(size_in_blocks(bytes, why));
	constexpr u32 most_tries = 1000;
	bool is_less = true;

	for (u32 tries = 1;; tries++) {
		const Status resized = resize_once(volume, blocks, flags, is_less, why);

		if (resized.error() != Err::no_space || (tries > 1 && !is_less) ||
		    tries == most_tries)
			return resized.is_ok() ? sync() : resized;
		TBK_TRY(sync());
	}
}

} // namespace thinback
