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

bool may_connect(u32 frontend)
{
	return frontend == static_cast<u32>(xen::State::initialised) ||
	       frontend == static_cast<u32>(xen::State::connected);
}

} // namespace

Status Vbd::init(GuestMemory &guests, u32 domid)
{
	TBK_TRY(stats_.init());
	return memory_.init(guests, domid);
}

bool Vbd::advance(const struct tbk_vbd_view &view)
{
	if (view.moved)
		has_failed_ = false;
	/* The toolstack writes into our key as well. */
	if (view.evicted)
		own_ = xen::State::closing;
	if (!may_connect(view.frontend))
		heritage_ = {};
	is_waiting_ = false;
	report_failure();
	if (own_ == xen::State::connected && !view.leaving)
		heed_changes(view);
	if (throttle_.has_changed())
		queues_.wake();

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
	now.has_moved_on = has_moved_on_;
	now.has_failed = has_failed_ || is_waiting_;
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
		memory_.give();
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
		tbk_xen_complain(xen_, -TBK_EINVAL, "frontend is in state %u, which is none",
				 frontend);
		go(xen::State::closing);
		break;
	}
}

void Vbd::go(xen::State state)
{
	own_ = state;
	tbk_xen_switch_state(xen_, static_cast<u32>(state));
}

/* A guest that was served until now must not lose its disk: the driver before can have it back. */
void Vbd::fail(int error, const char *what, const char *why)
{
	has_failed_ = true;
	tbk_xen_complain(xen_, error, "%s: %s", what, why);
	if (!is_heir())
		go(xen::State::closing);
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
	offer_.is_persistent = limits.persistent != 0;
	/* A frontend that was told otherwise gives its disk up when a page stays mapped. */
	if (is_heir() && !heritage_.persistent)
		offer_.is_persistent = false;
	wish_.mapped = clamp(limits.pages, least_pages, most_pages);
	wish_.kept = clamp(limits.kept_pages, 0, most_pages);
	kept_seconds_ = limits.kept_seconds;

	const struct tbk_xen_key keys[] = {
		{ "multi-queue-max-queues", offer_.queues },
		{ "max-ring-page-order", offer_.ring_order },
		{ "feature-max-indirect-segments", xen::max_indirect_segments },
		{ "opened", target_.is_open() },
	};

	/* A frontend without these keys takes the least: which is what they say. */
	if (tbk_xen_publish(xen_, keys, sizeof(keys) / sizeof(keys[0])) != 0)
		tbk_log(TBK_LOG_WARNING, "a disk's features could not be written to xenstore");
	go(xen::State::init_wait);
}

void Vbd::limit_iops(u64 per_second)
{
	throttle_.limit_iops(per_second);
	tbk_xen_advance(xen_);
}

void Vbd::limit_bandwidth(u64 per_second)
{
	throttle_.limit_bandwidth(per_second);
	tbk_xen_advance(xen_);
}

struct tbk_xen_rates Vbd::rates() const
{
	return { .iops = throttle_.iops(), .bandwidth = throttle_.bandwidth() };
}

} // namespace thinback
