// SPDX-License-Identifier: GPL-2.0
/* What the cleaner does next, and merging: which snapshot into which child, and the end of it. */
#include "cleaner.h"
#include "pool.h"

namespace thinback {
namespace {

bool is_hidden(const Volume &volume)
{
	return (volume.flags & format::catalog_hidden) != 0;
}

bool is_removing(const Volume &volume)
{
	return (volume.flags & format::catalog_removing) != 0;
}

/* Whose parent is partly merged into it. Only the cleaner's work moves merged() on. */
Volume *find_begun(Catalog &catalog) TBK_REQUIRES(catalog.lock())
{
	for (Volume *v : catalog.all()) {
		if (v->tree.merged() != 0 && !v->parent->stuck)
			return v;
	}
	return nullptr;
}

/* Part of it is its child's already: a merge that is stuck. Nothing may be merged into it. */
bool is_partly_passed(Catalog &catalog, const Volume &volume) TBK_REQUIRES(catalog.lock())
{
	for (const Volume *v : catalog.all()) {
		if (v->parent == &volume && v->tree.merged() != 0)
			return true;
	}
	return false;
}

Volume *find_unused(Catalog &catalog) TBK_REQUIRES(catalog.lock())
{
	for (Volume *v : catalog.all()) {
		if (is_removing(*v) && v->children == 0 && v->tree.merged() == 0 && !v->stuck)
			return v;
	}
	return nullptr;
}

/* An only child, not itself on its way out, whose parent is there for its sake alone; neither has part in a stuck merge. */
Volume *find_only_child(Catalog &catalog) TBK_REQUIRES(catalog.lock())
{
	for (Volume *v : catalog.all()) {
		const Volume *parent = v->parent;

		if (parent && is_hidden(*parent) && parent->children == 1 && !parent->stuck &&
		    !is_removing(*v) && parent->tree.merged() == 0 &&
		    !is_partly_passed(catalog, *v))
			return v;
	}
	return nullptr;
}

} // namespace

/*
 * Only this work frees volumes, so they stay. A merge that is stuck is set
 * aside: what has no part in it is merged and freed all the same.
 */
Cleaner::Task Cleaner::pick()
{
	Catalog &catalog = pool_.catalog();
	MutexGuard guard(catalog.lock());

	if (Volume *begun = find_begun(catalog))
		return { begun->parent, begun };
	if (Volume *unused = find_unused(catalog))
		return { unused, nullptr };
	Volume *into = find_only_child(catalog);

	return into ? Task{ into->parent, into } : Task();
}

/*
 * A snapshot is hidden for certain only once a checkpoint says so: before that
 * a crash might bring it back, and its blocks must be as they were.
 */
Status Cleaner::wait_hidden(const Volume &from)
{
	Checkpointer &checkpointer = pool_.checkpointer();

	if (from.changed.load_relaxed() <= checkpointer.durable())
		return {};
	return checkpointer.sync();
}

void Cleaner::merge(const Task &task)
{
	Status status = wait_hidden(*task.from);
	bool is_more = true;

	while (status.is_ok() && is_more && may_go_on() && owed_ms() == 0) {
		const auto merged = merge_some(task);

		is_more = merged.is_ok() && merged.value();
		status = is_more ? pool_.checkpointer().wait_for_room() : Status(merged.error());
	}
	if (status.is_ok() && !is_more)
		finish_merge(task);
	if (status.is_ok() || !may_go_on())
		return;
	tbk_log(TBK_LOG_ERROR, "%s: merging removed snapshot %u into %u: %s: it stays",
		pool_.name(), task.from->id, task.into->id, to_text(status.error()));
	task.from->stuck = true;
}

/* False when there is no more, or a snapshot of the child has taken its place. */
Result<bool> Cleaner::merge_some(const Task &task)
{
	Tree &into = task.into->tree;
	const Tree &from = task.from->tree;
	MutexGuard guard(task.into->lock);

	if (into.since() != task.from->generation || into.merged() == format::end_of_keys)
		return false;
	const Moment moment = pool_.checkpointer().begin_change(*task.into);

	pace_.spend(1);
	into.set_merged(from.since(), into.merged());
	TBK_TRY(merger_->step(from, into, task.into->usage, moment));
	return true;
}

/*
 * The child takes the place of its parent. In one epoch: seal_all(), which
 * moves the epoch on, holds the catalog's lock as well. No write may be under
 * way that took a block for shared which is the child's alone from now on: it
 * would hold a range that others no longer ask for.
 */
void Cleaner::finish_merge(const Task &task)
{
	Catalog &catalog = pool_.catalog();
	Checkpointer &checkpointer = pool_.checkpointer();
	Volume &from = *task.from;
	Volume &into = *task.into;
	MutexGuard guard(catalog.lock());
	u64 own = 0;

	if (into.parent != &from || into.tree.merged() != format::end_of_keys)
		return;
	if (into.io)
		into.io->freeze();
	{
		MutexGuard from_guard(from.lock);

		own = from.usage.own;
		from.tree.set_root({}, false);
		checkpointer.forget(from);
	}
	{
		MutexGuard into_guard(into.lock);

		checkpointer.begin_change(into);
		into.usage.own += own - into.usage.gone;
		into.usage.gone = 0;
		into.allowance.follow(into.usage.own, 0, pool_.space());
		into.tree.set_since(from.tree.since());
		into.tree.set_merged(0, 0);
	}
	into.parent = from.parent;
	if (into.io)
		into.io->thaw();
	checkpointer.begin_structural(catalog);
	catalog.remove(from);
}

} // namespace thinback
