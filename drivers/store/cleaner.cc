// SPDX-License-Identifier: GPL-2.0
#include "cleaner.h"

#include <thinback/base/container.h>

#include "pool.h"

namespace thinback {

Cleaner::Cleaner(Pool &pool) : pool_(pool)
{
	tbk_wait_init(&idle_);
	tbk_work_init(&work_, run);
}

Status Cleaner::init()
{
	editor_ = TBK_TRY(make<ExtentEditor>(pool_.cache(), pool_.space()));
	editor_->set_spare(ExtentEditor::spare_of_changes);
	merger_ = TBK_TRY(make<Merger>(pool_.cache(), pool_.space()));
	return {};
}

void Cleaner::kick()
{
	busy_.store_relaxed(1);
	tbk_work_queue(pool_.queue(), &work_);
}

int Cleaner::is_idle(void *self)
{
	return static_cast<Cleaner *>(self)->busy_.load_relaxed() == 0;
}

void Cleaner::wait_idle()
{
	tbk_wait_until(&idle_, is_idle, this);
}

void Cleaner::stop()
{
	stopping_.store_relaxed(1);
	tbk_work_cancel(&work_);
	editor_.reset();
}

bool Cleaner::may_go_on() const
{
	return !stopping_.load_relaxed() && !pool_.checkpointer().has_failed();
}

/* Leaves, up to a portion; how many went. */
Status Cleaner::free_leaves(Volume &volume, u64 &gone)
{
	MutexGuard guard(volume.lock);
	const Moment moment = pool_.checkpointer().begin_change(volume);
	const u64 leaves = pace_.portion(leaves_at_once);

	pace_.spend(leaves);
	for (gone = 0; gone < leaves; gone++)
		TBK_TRY(editor_->free_last(volume.tree, volume.usage, moment));
	return {};
}

/*
 * True while there is more. A leaf that goes takes a new block until the next checkpoint:
 * where there is none, one is taken at once. If then not a single leaf can go, it stays.
 */
bool Cleaner::free_some(Volume &volume)
{
	u64 gone = 0;
	const Status freed = free_leaves(volume, gone);
	const bool was_short = is_short_;

	is_short_ = false;
	if (freed.is_ok())
		return true;
	if (freed.error() == Err::not_found)
		return false;
	if ((freed.error() == Err::no_space || freed.error() == Err::no_memory) &&
	    (gone > 0 || !was_short)) {
		is_short_ = gone == 0;
		(void)pool_.checkpointer().sync();
		return true;
	}
	tbk_log(TBK_LOG_ERROR, "%s: freeing removed volume %u: %s: it stays", pool_.name(),
		volume.id, to_text(freed.error()));
	volume.stuck = true;
	return false;
}

/* Takes an empty one out of the catalog; the snapshot it came from may be next. */
void Cleaner::finish(Volume &volume)
{
	Catalog &catalog = pool_.catalog();
	Checkpointer &checkpointer = pool_.checkpointer();
	MutexGuard guard(catalog.lock());
	Volume *parent = volume.parent;

	if (parent) {
		MutexGuard parent_guard(parent->lock);

		parent->children--;
		if ((parent->flags & format::catalog_hidden) && parent->children == 0) {
			parent->flags &= ~format::catalog_hidden;
			parent->flags |= format::catalog_removing;
		}
		checkpointer.begin_change(*parent);
	}
	{
		MutexGuard volume_guard(volume.lock);
		checkpointer.forget(volume);
	}
	checkpointer.begin_structural(catalog);
	catalog.remove(volume);
}

void Cleaner::clean(Volume &volume)
{
	while (may_go_on() && owed_ms() == 0 && pool_.checkpointer().wait_for_room().is_ok()) {
		if (free_some(volume))
			continue;
		if (!volume.stuck)
			finish(volume);
		return;
	}
}

u32 Cleaner::owed_ms() const
{
	return pool_.watch().level() < Level::critical ? pace_.owed_ms() : 0;
}

/* True when the pace asks for a pause; the work is queued for its end. */
bool Cleaner::rest()
{
	const u32 ms = owed_ms();

	if (ms)
		tbk_work_queue_after(pool_.queue(), &work_, ms);
	return ms != 0;
}

void Cleaner::run(struct tbk_work *work)
{
	Cleaner &self = container_of<&Cleaner::work_>(work);

	while (self.may_go_on()) {
		if (self.rest())
			return;
		const Task task = self.pick();

		if (!task.from)
			break;
		if (task.into)
			self.merge(task);
		else
			self.clean(*task.from);
	}
	if (self.editor_)
		self.editor_->relax();
	self.busy_.store_relaxed(0);
	tbk_wake(&self.idle_);
}

} // namespace thinback
