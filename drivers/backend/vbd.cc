// SPDX-License-Identifier: GPL-2.0
#include "vbd.h"

namespace thinback {
namespace {

/* What a queue may have mapped for requests: enough for any one of them. */
constexpr u32 least_pages = 512;
constexpr u32 most_pages = 16384;

u32 clamp(u32 value, u32 least, u32 most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

/* The frontend's keys in xenstore. */
class StoredKeys : public FrontendKeys {
public:
	explicit StoredKeys(struct tbk_xen *xen) : xen_(xen) {}

	const char *read(const char *key) override
	{
		return tbk_xen_read(xen_, key, value_, sizeof(value_)) ? nullptr : value_;
	}

private:
	struct tbk_xen *xen_;
	char value_[64];
};

} // namespace

bool Vbd::advance(const struct tbk_vbd_view &view)
{
	if (view.moved)
		has_failed_ = false;
	/* The toolstack writes into our key as well. */
	if (view.evicted)
		own_ = xen::State::closing;
	report_failure();

	for (;;) {
		const SessionView now = look(view);
		const Step step = next_step(now);

		if (step == Step::rest)
			return now.has_departed && !now.has_rings && !now.has_target;
		take(step, view.frontend);
	}
}

SessionView Vbd::look(const struct tbk_vbd_view &view) const
{
	SessionView now;

	now.frontend = static_cast<xen::State>(view.frontend);
	now.own = own_;
	now.has_target = target_.is_open();
	now.has_rings = queues_.is_any();
	now.is_taking = queues_.is_taking();
	now.is_busy = queues_.is_busy();
	now.has_failed = has_failed_;
	now.is_online = view.online != 0;
	now.is_evicted = view.evicted != 0;
	now.is_leaving = view.leaving != 0;
	now.has_departed = has_departed_;
	return now;
}

void Vbd::take(Step step, u32 frontend)
{
	switch (step) {
	case Step::rest:
		break;
	case Step::offer:
		offer();
		break;
	case Step::connect:
		connect();
		break;
	case Step::stop:
		queues_.stop();
		target_.leave();
		break;
	case Step::release:
		queues_.clear();
		break;
	case Step::enter_closing:
		go(xen::State::closing);
		break;
	case Step::enter_closed:
		go(xen::State::closed);
		break;
	case Step::close_target:
		target_.close();
		tbk_xen_close_target(xen_);
		break;
	case Step::depart:
		has_departed_ = true;
		tbk_xen_depart(xen_);
		/* It takes writing Closed to be seen, even a second time. */
		if (own_ == xen::State::closed)
			own_ = xen::State::closing;
		break;
	case Step::refuse:
		own_ = xen::State::closing;
		tbk_xen_fatal(xen_, -TBK_EINVAL, "frontend is in state %u, which is none",
			      frontend);
		break;
	}
}

void Vbd::go(xen::State state)
{
	own_ = state;
	tbk_xen_switch_state(xen_, static_cast<u32>(state));
}

void Vbd::fail(int error, const char *what, const char *why)
{
	has_failed_ = true;
	own_ = xen::State::closing;
	tbk_xen_fatal(xen_, error, "%s: %s", what, why);
}

void Vbd::report_failure()
{
	if (queues_.failure() == 0 || own_ == xen::State::closing)
		return;
	fail(queues_.failure(), "flushing the disk",
	     "failed; what was written may be lost, so the disk goes away");
}

/*
 * What is not offered is said to be so: another driver may have had this disk
 * before, and left keys of its own. What was offered holds for the connection
 * that comes of it, whatever the administrator changes meanwhile.
 */
void Vbd::offer()
{
	struct tbk_xen_limits limits = {};

	tbk_xen_read_limits(xen_, &limits);
	offer_.queues = clamp(limits.queues, 1, max_queues);
	offer_.ring_order = clamp(limits.ring_order, 0, max_ring_order);
	max_pages_ = clamp(limits.pages, least_pages, most_pages);

	const struct tbk_xen_key keys[] = {
		{ "multi-queue-max-queues", offer_.queues },
		{ "max-ring-page-order", offer_.ring_order },
		{ "feature-max-indirect-segments", xen::max_indirect_segments },
	};

	/* A frontend without these keys takes the least: which is what they say. */
	if (tbk_xen_publish(xen_, keys, sizeof(keys) / sizeof(keys[0])) != 0)
		tbk_log(TBK_LOG_WARNING, "a disk's features could not be written to xenstore");
	go(xen::State::init_wait);
}

void Vbd::connect()
{
	if (!connect_queues())
		return;
	if (publish_disk())
		go(xen::State::connected);
}

bool Vbd::connect_queues()
{
	StoredKeys keys(xen_);
	FrontendFeatures features;
	Misfit misfit = read_features(keys, offer_, features);

	if (misfit != Misfit::none) {
		fail(-TBK_EINVAL, "frontend", to_text(misfit));
		return false;
	}
	if (!prepare_target())
		return false;

	/* Not before all are there: what is at work cannot be taken back at once. */
	Status status = open_queues(keys, features, misfit);
	if (!status.is_ok())
		queues_.clear();
	else
		status = queues_.start();
	if (misfit != Misfit::none)
		fail(-TBK_EINVAL, "frontend", to_text(misfit));
	else if (!status.is_ok())
		fail(to_errno(status.error()), "ring", to_text(status.error()));
	return status.is_ok();
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
			.failure = nullptr,
			.abi = features.abi,
			.index = i,
			.max_pages = max_pages_,
			.has_barrier = features.queues == 1,
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
		{ "feature-persistent", 0 },
		{ "sectors", limits.sectors },
		{ "info", target_.info_bits() },
		{ "sector-size", static_cast<u64>(limits.block_sectors) * xen::sector_size },
		{ "physical-sector-size", target_.physical_block() },
	};
	const int error = tbk_xen_publish(xen_, keys, sizeof(keys) / sizeof(keys[0]));

	if (error)
		fail(error, "disk", "its size and features could not be written");
	return error == 0;
}

} // namespace thinback
