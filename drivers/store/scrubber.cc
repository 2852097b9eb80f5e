// SPDX-License-Identifier: GPL-2.0
#include "scrubber.h"

#include <thinback/base/container.h>

#include "pool.h"

namespace thinback {

Scrubber::Scrubber(Pool &pool) : pool_(pool)
{
	tbk_wait_init(&over_);
	tbk_work_init(&work_, run);
	set_rate(0);
}

Scrubber::~Scrubber()
{
	tbk_big_free(images_);
}

void Scrubber::set_rate(u64 bytes)
{
	pace_.set_rate((bytes ? bytes : default_rate) / format::block_size);
}

void Scrubber::start()
{
	for (u32 was = state_.load_acquire(); was != TBK_SCRUB_RUNNING;) {
		fresh_.store_release(1);
		if (state_.compare_exchange(was, TBK_SCRUB_RUNNING))
			break;
	}
	tbk_work_queue(pool_.queue(), &work_);
}

void Scrubber::halt()
{
	u32 was = TBK_SCRUB_RUNNING;

	state_.compare_exchange(was, TBK_SCRUB_IDLE);
	tbk_wake(&over_);
}

void Scrubber::stop()
{
	stopping_.store_relaxed(1);
	tbk_work_cancel(&work_);
	halt();
}

int Scrubber::is_over(void *self)
{
	return !static_cast<Scrubber *>(self)->is_running();
}

void Scrubber::wait()
{
	tbk_wait_until(&over_, is_over, this);
}

void Scrubber::describe(struct tbk_pool_info &info) const
{
	info.scrub_state = static_cast<enum tbk_scrub_state>(state_.load_acquire());
	info.scrub_done = done_.load_relaxed();
	info.scrub_total = total_.load_relaxed();
	/* An estimate may fall short. */
	if (info.scrub_total < info.scrub_done || info.scrub_state == TBK_SCRUB_DONE)
		info.scrub_total = info.scrub_done;
	info.scrub_found = found_.load_relaxed();
	info.scrub_healed = healed_.load_relaxed();
	info.scrub_rate = pace_.rate() * format::block_size;
}

/* Metadata that lies at no fixed place, and superblocks. */
void Scrubber::estimate()
{
	const Geometry geometry = pool_.space().geometry();
	struct tbk_pool_info info {};

	pool_.info(info);
	const u64 all = info.metadata / format::block_size;
	const u64 fixed = geometry.journal_blocks + geometry.groups() * format::fixed_blocks(1);

	total_.store_relaxed(2 * format::ring_length + (all > fixed ? all - fixed : 0));
}

/* False if there is no memory. */
bool Scrubber::begin()
{
	if (!images_)
		images_ = static_cast<u8 *>(tbk_big_alloc(format::max_height * format::block_size));
	if (!images_) {
		tbk_log(TBK_LOG_ERROR, "%s: scrub: no memory", pool_.name());
		return false;
	}
	done_.store_relaxed(0);
	found_.store_relaxed(0);
	healed_.store_relaxed(0);
	estimate();
	id_ = 0;
	kind_ = format::TreeKind::catalog;
	cursor_ = gathered_ = 0;
	depth_ = next_ = count_ = retries_ = 0;
	check_ring(Ring::a);
	check_ring(Ring::b);
	return true;
}

/* What was halted may have been started anew meanwhile: then the work runs once more. */
void Scrubber::end()
{
	if (found_.load_relaxed())
		tbk_log(TBK_LOG_WARNING, "%s: scrub: %llu damaged, of which %llu have been healed",
			pool_.name(), found_.load_relaxed(), healed_.load_relaxed());
	u32 was = TBK_SCRUB_RUNNING;

	if (!fresh_.load_acquire())
		state_.compare_exchange(was, TBK_SCRUB_DONE);
}

/* One node. False when all is done. */
bool Scrubber::step()
{
	Part part;

	if (next_part(part)) {
		visit(part);
		return true;
	}
	if (cursor_ < format::end_of_keys) {
		gather();
		return true;
	}
	return next_tree();
}

void Scrubber::run(struct tbk_work *work)
{
	Scrubber &self = container_of<&Scrubber::work_>(work);

	while (self.is_running() && !self.stopping_.load_relaxed()) {
		if (const u32 ms = self.pace_.owed_ms()) {
			tbk_work_queue_after(self.pool_.queue(), &self.work_, ms);
			return;
		}
		const u64 portion = self.pace_.portion(blocks_at_once);

		const bool is_fresh = self.fresh_.exchange(0);

		if (is_fresh && !self.begin()) {
			self.halt();
			break;
		}
		const u64 before = is_fresh ? 0 : self.done_.load_relaxed();
		bool is_more = true;

		while (is_more && self.done_.load_relaxed() - before < portion &&
		       self.is_running() && !self.stopping_.load_relaxed())
			is_more = self.step();
		self.pace_.spend(self.done_.load_relaxed() - before);
		if (!is_more)
			self.end();
	}
	tbk_big_free(self.images_);
	self.images_ = nullptr;
	tbk_wake(&self.over_);
}

} // namespace thinback
