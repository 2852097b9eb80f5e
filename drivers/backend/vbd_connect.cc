// SPDX-License-Identifier: GPL-2.0
/* A frontend's rings connected, or what was done of it undone. */
#include "stored_keys.h"
#include "vbd.h"

namespace thinback {
namespace {

/* How often is looked whether the driver before is done with a ring. */
constexpr u32 first_wait_ms = 1;
constexpr u32 longest_wait_ms = 500;

} // namespace

void Vbd::connect()
{
	has_moved_on_ = false;
	heed_keys();
	if (!connect_queues())
		return;
	if (!publish_disk())
		return;
	go(xen::State::connected);
	heritage_ = {};
}

/* It holds event channels until it has answered what it took; only then may we look at its ring. */
bool Vbd::wait_for_driver_before(Err error)
{
	if (!is_heir() || error != Err::busy)
		return false;
	wait_ms_ = min(max(wait_ms_ * 2, first_wait_ms), longest_wait_ms);
	is_waiting_ = true;
	tbk_xen_advance_after(xen_, wait_ms_);
	return true;
}

bool Vbd::connect_queues()
{
	StoredKeys keys(xen_);
	FrontendFeatures features;
	Offer offer = offer_;

	/* What was offered is another driver's word. */
	if (is_heir()) {
		offer.queues = max_queues;
		offer.ring_order = max_ring_order;
	}
	Misfit misfit = read_features(keys, offer, features);

	if (misfit != Misfit::none) {
		fail(-TBK_EINVAL, "frontend", to_text(misfit));
		return false;
	}
	if (!prepare_target() || !take_memory(features))
		return false;

	/* Not before all are there: what is at work cannot be taken back at once. */
	Status status = open_queues(keys, features, misfit);
	if (status.is_ok()) {
		status = queues_.start();
	} else {
		queues_.clear();
		memory_.give();
	}
	if (misfit != Misfit::none)
		fail(-TBK_EINVAL, "frontend", to_text(misfit));
	else if (!status.is_ok() && !wait_for_driver_before(status.error()))
		fail(to_errno(status.error()), "ring or event channel", to_text(status.error()));
	return status.is_ok();
}

/* A guest with many disks gets smaller rings, not fewer disks, for as long as that goes. */
bool Vbd::take_memory(const FrontendFeatures &features)
{
	struct tbk_xen_limits limits = {};

	tbk_xen_read_limits(xen_, &limits);
	if (!memory_.take(features, wish_, limits.guest_pages)) {
		has_failed_ = true;
		tbk_xen_complain(
			xen_, -TBK_ENOMEM,
			"its %u rings need %llu pages of dom0's, which is more than max_guest_pages, "
			"%llu, leaves for this disk of its guest: allow more, or fewer rings",
			features.queues, memory_.need(), limits.guest_pages);
		if (!is_heir())
			go(xen::State::closing);
		return false;
	}
	if (memory_.is_short())
		tbk_log(TBK_LOG_WARNING,
			"a guest's disks come near to max_guest_pages, %llu: the %u rings of one have %u pages "
			"each for requests, and %u that stay mapped",
			limits.guest_pages, features.queues, memory_.ring().mapped,
			memory_.ring().kept);
	return true;
}

bool Vbd::prepare_target()
{
	const int error = tbk_xen_sync_target(xen_);

	if (error) {
		fail(error, "disk", "dom0's own writes to it failed");
		return false;
	}
	target_.refresh();
	target_.stay();
	return true;
}

Status Vbd::open_queues(FrontendKeys &keys, const FrontendFeatures &features, Misfit &misfit)
{
	for (u32 i = 0; i < features.queues; i++) {
		QueuePlan plan = {
			.xen = xen_,
			.target = &target_,
			.counters = &counters_.share(i),
			.throttle = &throttle_,
			.stats = &stats_,
			.failure = nullptr,
			.abi = features.abi,
			.index = i,
			.max_pages = memory_.ring().mapped,
			.has_barrier = features.queues == 1,
			.kept_pages = memory_.ring().kept,
			.kept_seconds = kept_seconds_,
			.keys = {},
		};

		misfit = read_ring(keys, features, i, plan.keys);
		if (misfit != Misfit::none)
			return Err::bad_argument;
		TBK_TRY(queues_.open(plan));
	}
	return {};
}

bool Vbd::publish_disk()
{
	const DiskLimits limits = target_.limits();
	const struct tbk_xen_key keys[] = {
		{ "feature-flush-cache", target_.has_volatile_cache() ? 1u : 0u },
		{ "feature-barrier", limits.has_barrier && queues_.is_single() },
		{ "feature-discard", limits.has_discard },
		{ "discard-granularity", limits.has_discard ? target_.discard_granularity() : 0u },
		{ "discard-alignment", limits.has_discard ? target_.discard_alignment() : 0u },
		{ "discard-secure", 0 },
		{ "feature-persistent", offer_.is_persistent },
		{ "sectors", limits.sectors },
		{ "info", target_.info_bits() },
		{ "sector-size", static_cast<u64>(limits.block_sectors) * xen::sector_size },
		{ "physical-sector-size", target_.physical_block() },
	};
	const int error = tbk_xen_publish(xen_, keys, sizeof(keys) / sizeof(keys[0]));

	if (error)
		fail(error, "disk", "its size and features could not be written");
	else
		tell_size(limits.sectors);
	return error == 0;
}

} // namespace thinback
