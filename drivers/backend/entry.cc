// SPDX-License-Identifier: GPL-2.0
/* xen_entry.h, in C++. */
#include <thinback/xen_entry.h>

#include "vbd.h"

using namespace thinback;

namespace {

Vbd &of(struct tbk_vbd *vbd)
{
	return *reinterpret_cast<Vbd *>(vbd);
}

GuestMemory &of(struct tbk_guests *guests)
{
	return *reinterpret_cast<GuestMemory *>(guests);
}

Queue &of(struct tbk_ring *ring)
{
	return *reinterpret_cast<Queue *>(ring);
}

} // namespace

struct tbk_guests *tbk_guests_create(void)
{
	auto guests = make<GuestMemory>();

	return guests.is_ok() ? reinterpret_cast<struct tbk_guests *>(guests.value().release())
			      : nullptr;
}

void tbk_guests_destroy(struct tbk_guests *guests)
{
	Owned<GuestMemory>::adopt(&of(guests)).reset();
}

struct tbk_vbd *tbk_vbd_create(struct tbk_xen *xen, struct tbk_guests *guests, tbk_u32 domid,
			       const struct tbk_vbd_heritage *heritage)
{
	auto vbd = make<Vbd>(xen, *heritage);

	if (!vbd.is_ok() || !vbd.value()->init(of(guests), domid).is_ok())
		return nullptr;
	return reinterpret_cast<struct tbk_vbd *>(vbd.value().release());
}

void tbk_vbd_destroy(struct tbk_vbd *vbd)
{
	Owned<Vbd>::adopt(&of(vbd)).reset();
}

int tbk_vbd_is_heir(const struct tbk_vbd *vbd)
{
	return reinterpret_cast<const Vbd *>(vbd)->is_heir();
}

void tbk_vbd_set_target(struct tbk_vbd *vbd, const struct tbk_vbd_target *target)
{
	of(vbd).set_target(*target);
}

int tbk_vbd_drop_target(struct tbk_vbd *vbd)
{
	return of(vbd).drop_target();
}

int tbk_vbd_advance(struct tbk_vbd *vbd, const struct tbk_vbd_view *view)
{
	return of(vbd).advance(*view);
}

void tbk_vbd_read_stats(struct tbk_vbd *vbd, struct tbk_vbd_stats *stats)
{
	of(vbd).stats(*stats);
}

void tbk_vbd_limit_iops(struct tbk_vbd *vbd, tbk_u64 per_second)
{
	of(vbd).limit_iops(per_second);
}

void tbk_vbd_limit_bandwidth(struct tbk_vbd *vbd, tbk_u64 per_second)
{
	of(vbd).limit_bandwidth(per_second);
}

void tbk_vbd_read_rates(struct tbk_vbd *vbd, struct tbk_xen_rates *rates)
{
	*rates = of(vbd).rates();
}

void tbk_vbd_read_op_stats(struct tbk_vbd *vbd, enum tbk_stat kind, struct tbk_op_stats *stats)
{
	of(vbd).io_stats().read(kind, *stats);
}

unsigned int tbk_ring_run(struct tbk_ring *ring)
{
	return of(ring).run();
}

void tbk_ring_finish(struct tbk_ring *ring)
{
	of(ring).finish();
}

void tbk_ring_retry(struct tbk_ring *ring)
{
	of(ring).retry();
}

void tbk_ring_tidy(struct tbk_ring *ring)
{
	of(ring).tidy();
}

void tbk_ring_squeeze(struct tbk_ring *ring)
{
	of(ring).squeeze();
}

int tbk_ring_relax(struct tbk_ring *ring)
{
	return of(ring).relax() ? 0 : 1;
}
