// SPDX-License-Identifier: GPL-2.0
/* What may change of a disk: its limits, its size, its device, its frontend's rings. */
#include "stored_keys.h"
#include "vbd.h"

namespace thinback {

void Vbd::set_target(const struct tbk_vbd_target &behind)
{
	target_.open(behind);
	tell_opened();
}

bool Vbd::drop_target()
{
	if (queues_.is_any())
		return false;
	if (target_.is_open()) {
		target_.close();
		tbk_xen_close_target(xen_);
		tell_opened();
	}
	return true;
}

/* A toolstack may keep the device from going away until we have it. */
void Vbd::tell_opened()
{
	const struct tbk_xen_key opened = { "opened", target_.is_open() };

	if (tbk_xen_publish(xen_, &opened, 1) != 0)
		tbk_log(TBK_LOG_WARNING, "whether a disk is open could not be written to xenstore");
}

/* A key that says what it said before is as it was: what was set since is newer. */
void Vbd::heed_keys()
{
	struct tbk_xen_rates now = told_;

	tbk_xen_read_rates(xen_, &now);
	if (now.iops != told_.iops)
		throttle_.limit_iops(now.iops);
	if (now.bandwidth != told_.bandwidth)
		throttle_.limit_bandwidth(now.bandwidth);
	told_ = now;
}

/* The toolstack may have written a state of its own meanwhile: then the guest need not know. */
void Vbd::heed_size()
{
	target_.measure();
	const u64 sectors = target_.limits().sectors;

	if (sectors == told_sectors_)
		return;
	if (sectors == 0 || tbk_xen_publish_size(xen_, sectors) == 0)
		tell_size(sectors);
}

/* A size of nothing is not the guest's to know: its requests fail, and it may go on with what it has. */
void Vbd::tell_size(u64 sectors)
{
	told_sectors_ = sectors;
	if (sectors == 0)
		tbk_xen_complain(xen_, -TBK_EIO,
				 "the device behind the disk was removed: all requests fail now; "
				 "detach the disk, and attach it again when the device is back");
}

void Vbd::heed_changes(const struct tbk_vbd_view &view)
{
	heed_size();
	if (view.moved && view.frontend == static_cast<u32>(xen::State::initialised))
		has_moved_on_ |= has_other_rings();
}

/*
 * A frontend that is Initialised may never have left that state, as GRUB does not,
 * or be back there with other rings: its keys tell. One whose keys make no sense stays.
 */
bool Vbd::has_other_rings() const
{
	StoredKeys keys(xen_);
	FrontendFeatures features;

	if (read_features(keys, offer_, features) != Misfit::none)
		return false;
	bool is_same = features.queues == queues_.count();
	for (u32 i = 0; i < features.queues; i++) {
		RingKeys ring;

		if (read_ring(keys, features, i, ring) != Misfit::none)
			return false;
		is_same = is_same && queues_.is_of(i, ring);
	}
	return !is_same;
}

} // namespace thinback
