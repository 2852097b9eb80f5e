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

/* Something removed on which nothing depends. Only this work frees volumes, so it stays. */
Volume *Cleaner::pick()
{
	Catalog &catalog = pool_.catalog();
	MutexGuard guard(catalog.lock());

	for (Volume *v = catalog.next(0); v; v = catalog.next(v->id)) {
		if ((v->flags & format::catalog_removing) && v->children == 0 && v->id != stuck_)
			return v;
	}
	return nullptr;
}

/* True while there is more. */
bool Cleaner::free_some(Volume &volume)
{
	MutexGuard guard(volume.lock);
	const Moment moment = pool_.checkpointer().begin_change(volume);

	for (u32 i = 0; i < leaves_at_once; i++) {
		const Status freed = editor_->free_last(volume.tree, volume.usage, moment);

		if (freed.is_ok())
			continue;
		if (freed.error() != Err::not_found) {
			tbk_log(TBK_LOG_ERROR, "%s: freeing removed volume %u: %s: it stays",
				pool_.name(), volume.id, to_text(freed.error()));
			stuck_ = volume.id;
		}
		return false;
	}
	return true;
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

void Cleaner::run(struct tbk_work *work)
{
	Cleaner &self = container_of<&Cleaner::work_>(work);

	while (!self.stopping_.load_relaxed() && !self.pool_.checkpointer().has_failed()) {
		Volume *volume = self.pick();

		if (!volume)
			break;
		if (!self.free_some(*volume) && volume->id != self.stuck_)
			self.finish(*volume);
	}
	if (self.editor_)
		self.editor_->relax();
	self.busy_.store_relaxed(0);
	tbk_wake(&self.idle_);
}

} // namespace thinback
