// SPDX-License-Identifier: GPL-2.0
/* A request's pages: mapped by the thread, unmapped by the collector, or left to stay. */
#include "grant_batch.h"
#include "queue.h"

namespace thinback {
namespace {

/* How exact a time without use is. */
constexpr unsigned int tidy_ms = 5000;

/* The grants of a request's data, or the one of its list. */
GrantRun run_of(Slot &slot, bool is_data)
{
	if (is_data)
		return { slot.data_grants(), slot.segment_count };
	return { slot.annex->grants, 1 };
}

bool is_mapped(Slot &slot)
{
	for (u32 i = 0; i < slot.grant_count; i++) {
		if (!slot.grants()[i].page)
			return false;
	}
	return true;
}

} // namespace

/* All pages of the batch; what cannot have all of its own is refused. */
void Queue::map(Batch &batch)
{
	Slots &sound = batch.sound;

	map_grants(sound, true);
	for (Slot *slot = sound.first(), *next = nullptr; slot; slot = next) {
		next = sound.next(*slot);
		for (u32 i = 0; i < slot->segment_count; i++)
			slot->segments()[i].page = slot->data_grants()[i].page;
		if (is_mapped(*slot))
			continue;
		sound.remove(*slot);
		slot->reply = xen::Reply::error;
		batch.refused.push_back(*slot);
	}
}

/* Of each of @some, the pages of its data, or the one that lists them. */
void Queue::map_grants(Slots &some, bool is_data)
{
	if (some.is_empty())
		return;
	find_kept(some, is_data);
	{
		GrantBatch grants(to_map_, [this](struct tbk_grant **part, u32 count) {
			map_part(part, count);
		});

		for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
			const GrantRun run = run_of(*slot, is_data);

			for (u32 i = 0; i < run.count; i++) {
				if (!run.first[i].page)
					grants.add(run.first[i]);
			}
		}
	}
	keep_mapped(some, is_data);
}

void Queue::map_part(struct tbk_grant **grants, u32 count)
{
	u32 mapped = 0;

	tbk_xen_grants_map(glue_, grants, count);
	if (!is_traced(TBK_TRACE_GRANTS))
		return;
	for (u32 i = 0; i < count; i++)
		mapped += grants[i]->page ? 1u : 0u;
	tbk_trace_grants(glue_, TBK_GRANTS_MAPPED, mapped);
}

void Queue::unmap_part(struct tbk_grant **grants, u32 count)
{
	tbk_xen_grants_unmap(glue_, grants, count);
	if (is_traced(TBK_TRACE_GRANTS))
		tbk_trace_grants(glue_, TBK_GRANTS_UNMAPPED, count);
}

/* What is mapped already. What is not and may stay is to be mapped for writing. */
void Queue::find_kept(Slots &some, bool is_data)
{
	u32 found = 0;

	if (kept_pages_ == 0)
		return;
	{
		IrqGuard guard(lock_);

		for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
			const GrantRun run = run_of(*slot, is_data);

			for (u32 i = 0; i < run.count; i++) {
				if (kept_.take(run.first[i]))
					found++;
				else
					run.first[i].flags &= ~TBK_GRANT_READ_ONLY;
			}
		}
	}
	if (found != 0 && is_traced(TBK_TRACE_GRANTS))
		tbk_trace_grants(glue_, TBK_GRANTS_KEPT, found);
}

/* What was mapped for the first time stays, as far as there is room. */
void Queue::keep_mapped(Slots &some, bool is_data)
{
	if (kept_pages_ == 0)
		return;
	{
		IrqGuard guard(lock_);

		for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
			const GrantRun run = run_of(*slot, is_data);

			for (u32 i = 0; i < run.count; i++)
				keep(run.first[i]);
		}
	}
	tidy_later();
}

void Queue::keep(struct tbk_grant &grant)
{
	if (!grant.page || (grant.flags & TBK_GRANT_STAYS))
		return;
	grant.flags |= TBK_GRANT_STAYS;
	if (is_squeezed_ || !kept_.keep(grant))
		grant.flags &= ~TBK_GRANT_STAYS;
}

/* If there is what may get old, and nobody looks already. */
void Queue::tidy_later()
{
	{
		IrqGuard guard(lock_);

		if (is_timed_ || kept_.count() == 0)
			return;
		is_timed_ = true;
	}
	tbk_xen_ring_tidy_after(glue_, tidy_ms);
}

void Queue::unmap(Round &round)
{
	Slots &some = round.slots;

	if (some.is_empty())
		return;
	give_kept(some);
	GrantBatch grants(to_unmap_,
			  [this](struct tbk_grant **part, u32 count) { unmap_part(part, count); });

	round.turn.spend(Turn::of_batch);
	for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
		round.turn.spend(Turn::of_request + slot->pages);
		for (u32 i = 0; i < slot->grant_count; i++) {
			if (slot->grants()[i].page)
				grants.add(slot->grants()[i]);
		}
	}
}

/* What stays mapped is not to be unmapped. */
void Queue::give_kept(Slots &some)
{
	if (kept_pages_ == 0)
		return;
	const u64 now = tbk_now_ns();
	IrqGuard guard(lock_);

	for (Slot *slot = some.first(); slot; slot = some.next(*slot)) {
		for (u32 i = 0; i < slot->grant_count; i++) {
			struct tbk_grant &grant = slot->grants()[i];

			if (!grant.page || !(grant.flags & TBK_GRANT_STAYS))
				continue;
			kept_.give(grant, now);
			grant.page = nullptr;
		}
	}
}

void Queue::unmap_old(Round &round)
{
	GrantPool::Entries &old = round.old;

	if (old.is_empty())
		return;
	{
		GrantBatch grants(to_unmap_, [this](struct tbk_grant **part, u32 count) {
			unmap_part(part, count);
		});

		for (Kept *entry = old.first(); entry; entry = old.next(*entry)) {
			round.turn.spend(1);
			grants.add(entry->grant);
		}
	}
	IrqGuard guard(lock_);
	while (Kept *entry = old.pop_front())
		kept_.forget(*entry);
}

/* What was used last before this goes. */
u64 Queue::oldest_kept()
{
	const u64 now = tbk_now_ns();

	if (is_squeezed_)
		return ~0ull;
	return kept_ns_ == 0 || now < kept_ns_ ? 0 : now - kept_ns_;
}

/* Of what stays mapped: what has to go now. All of it when the last request is answered. */
void Queue::take_old(GrantPool::Entries &old)
{
	if (is_stopping_ && in_flight_ == 0)
		kept_.take_out(~0ull, old);
	else if (is_tidying_ || kept_.is_short())
		kept_.take_out(is_tidying_ ? oldest_kept() : 0, old);
	is_tidying_ = false;
}

void Queue::tidy()
{
	bool is_first = false;

	{
		IrqGuard guard(lock_);

		is_timed_ = false;
		is_first = become_tidier();
	}
	if (is_first)
		finish();
	tidy_later();
}

/* False if there is a collector, which will see to it; a queue that stops lets go of all anyway. */
bool Queue::become_tidier()
{
	if (is_stopping_)
		return false;
	is_tidying_ = true;
	return become_collector();
}

} // namespace thinback
