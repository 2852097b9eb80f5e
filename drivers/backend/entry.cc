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

Queue &of(struct tbk_ring *ring)
{
	return *reinterpret_cast<Queue *>(ring);
}

} // namespace

struct tbk_vbd *tbk_vbd_create(struct tbk_xen *xen)
{
	auto vbd = make<Vbd>(xen);

	return vbd.is_ok() ? reinterpret_cast<struct tbk_vbd *>(vbd.value().release()) : nullptr;
}

void tbk_vbd_destroy(struct tbk_vbd *vbd)
{
	Owned<Vbd>::adopt(&of(vbd)).reset();
}

void tbk_vbd_set_target(struct tbk_vbd *vbd, const struct tbk_vbd_target *target)
{
	of(vbd).set_target(*target);
}

int tbk_vbd_advance(struct tbk_vbd *vbd, const struct tbk_vbd_view *view)
{
	return of(vbd).advance(*view);
}

void tbk_vbd_read_stats(struct tbk_vbd *vbd, struct tbk_vbd_stats *stats)
{
	of(vbd).stats(*stats);
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
