// SPDX-License-Identifier: GPL-2.0
/* xen_platform.h, answered by a guest that is made up. */
#include <stdarg.h>
#include <stdio.h>

#include "guest_thread.h"

namespace thinback {

/* A friend of the guest. */
struct GuestCalls {
	static int publish(Guest &guest, const struct tbk_xen_key *keys, size_t count)
	{
		if (guest.fail_publish_)
			return -TBK_EIO;
		for (size_t i = 0; i < count; i++)
			guest.backend[keys[i].name] = keys[i].value;
		return 0;
	}

	static void switch_state(Guest &guest, xen::State state)
	{
		if (state == xen::State::closed && guest.pages_mapped())
			die("Closed with pages of the guest's mapped");
		guest.state_ = state;
		guest.states_.push_back(state);
	}

	static int publish_size(Guest &guest, u64 sectors)
	{
		if (guest.state_ != xen::State::connected)
			return -TBK_EBUSY;
		guest.backend["sectors"] = sectors;
		guest.states_.push_back(guest.state_);
		return 0;
	}

	static void complain(Guest &guest, const char *text) { guest.error_ = text; }

	static void close_target(Guest &guest)
	{
		if (!guest.is_target_open_)
			die("a target is closed twice");
		guest.is_target_open_ = false;
	}

	static void limits(const Guest &guest, struct tbk_xen_limits &limits)
	{
		limits = guest.limits;
	}

	static void rates(const Guest &guest, struct tbk_xen_rates &rates)
	{
		const auto iops = guest.told.find("iops-limit");
		const auto bandwidth = guest.told.find("bandwidth-limit");

		if (iops != guest.told.end())
			rates.iops = iops->second;
		if (bandwidth != guest.told.end())
			rates.bandwidth = bandwidth->second;
	}

	static void depart(Guest &guest) { guest.has_departed_ = true; }
	static void advance_after(Guest &guest, u32 ms)
	{
		tbk_work_queue_after(guest.queue_, &guest.alarm_.raw, ms);
	}
	static void advance(Guest &guest) { tbk_work_queue(guest.queue_, &guest.work_.raw); }

	static int open(Guest &guest, const struct tbk_xen_ring_plan &plan, GuestThread **out,
			void **shared)
	{
		if (guest.is_bound_elsewhere_) {
			guest.binds_refused_++;
			return -TBK_EBUSY;
		}
		const std::vector<u32> grants(plan.grants, plan.grants + plan.pages);

		for (const auto &ring : guest.all_rings_) {
			if (ring->grants != grants || ring->thread)
				continue;
			for (const u32 one : grants)
				guest.pages_[one]->mapped++;
			*out = ring->thread = new GuestThread(guest, *ring, plan);
			*shared = ring->bytes;
			return 0;
		}
		return -TBK_EINVAL;
	}

	static int start(GuestThread &ring)
	{
		if (ring.guest_.fail_start_ && --ring.guest_.fail_start_ == 0)
			return -TBK_EINVAL;
		ring.start();
		return 0;
	}

	static void close(GuestThread *ring)
	{
		ring->settle();
		if (ring->mapped_)
			die("a ring is closed with %u pages mapped", ring->mapped_);
		for (const u32 one : ring->ring_.grants)
			ring->guest_.pages_[one]->mapped--;
		ring->ring_.thread = nullptr;
		delete ring;
	}

	static void map(GuestThread &ring, struct tbk_grant &grant)
	{
		Guest &guest = ring.guest_;

		if (grant.page)
			die("a grant is mapped twice");
		if (!ring.has_room())
			die("more pages mapped than there was to be room for");
		if (grant.ref >= guest.pages_.size())
			return;
		Guest::Page &page = *guest.pages_[grant.ref];
		if (page.is_read_only && !(grant.flags & TBK_GRANT_READ_ONLY))
			return;
		page.mapped++;
		ring.mapped_++;
		guest.maps_++;
		grant.page = page.bytes;
		grant.handle = grant.ref;
	}

	static void unmap(GuestThread &ring, struct tbk_grant &grant)
	{
		Guest::Page &page = *ring.guest_.pages_.at(grant.ref);

		if (!grant.page || grant.handle != grant.ref || !page.mapped)
			die("a grant is unmapped that is not mapped");
		if (page.is_held)
			die("a page is unmapped that somebody still has");
		page.mapped--;
		ring.mapped_--;
		grant.page = nullptr;
	}

	/* A page's bytes come first in it. */
	static bool is_held(const void *bytes)
	{
		return static_cast<const Guest::Page *>(bytes)->is_held;
	}

	static void notify(Guest &guest)
	{
		guest.events_received_++;
		if (guest.on_event_)
			guest.on_event_();
	}

	static void note_batch(Guest &guest, u32 count)
	{
		if (count > guest.mapped_at_once_)
			guest.mapped_at_once_ = count;
	}
};

} // namespace thinback

using namespace thinback;

namespace {

Guest &of(struct tbk_xen *xen)
{
	return *static_cast<Guest *>(xen);
}

GuestThread &of(struct tbk_xen_ring *xr)
{
	return *reinterpret_cast<GuestThread *>(xr);
}

} // namespace

int tbk_xen_read(struct tbk_xen *xen, const char *key, char *value, size_t size)
{
	const auto &keys = of(xen).frontend;
	const auto found = keys.find(key);

	might_sleep("xenstore");
	if (found == keys.end())
		return -TBK_ENOENT;
	tbk_format(value, size, "%s", found->second.c_str());
	return 0;
}

int tbk_xen_publish(struct tbk_xen *xen, const struct tbk_xen_key *keys, size_t count)
{
	might_sleep("xenstore");
	return GuestCalls::publish(of(xen), keys, count);
}

void tbk_xen_switch_state(struct tbk_xen *xen, tbk_u32 state)
{
	might_sleep("xenstore");
	GuestCalls::switch_state(of(xen), static_cast<xen::State>(state));
}

int tbk_xen_publish_size(struct tbk_xen *xen, tbk_u64 sectors)
{
	might_sleep("xenstore");
	return GuestCalls::publish_size(of(xen), sectors);
}

void tbk_xen_complain(struct tbk_xen *xen, int, const char *format, ...)
{
	char text[256];
	va_list args;

	might_sleep("xenstore");
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	GuestCalls::complain(of(xen), text);
}

int tbk_xen_sync_target(struct tbk_xen *)
{
	might_sleep("a device");
	return 0;
}

void tbk_xen_read_limits(struct tbk_xen *xen, struct tbk_xen_limits *limits)
{
	GuestCalls::limits(of(xen), *limits);
}

void tbk_xen_read_rates(struct tbk_xen *xen, struct tbk_xen_rates *rates)
{
	might_sleep("xenstore");
	GuestCalls::rates(of(xen), *rates);
}

void tbk_xen_close_target(struct tbk_xen *xen)
{
	might_sleep("a device");
	GuestCalls::close_target(of(xen));
}

void tbk_xen_depart(struct tbk_xen *xen)
{
	GuestCalls::depart(of(xen));
}

void tbk_xen_advance(struct tbk_xen *xen)
{
	GuestCalls::advance(of(xen));
}

void tbk_xen_advance_after(struct tbk_xen *xen, unsigned int ms)
{
	GuestCalls::advance_after(of(xen), ms);
}

int tbk_xen_ring_open(struct tbk_xen *xen, const struct tbk_xen_ring_plan *plan,
		      struct tbk_xen_ring **out, void **shared)
{
	GuestThread *ring = nullptr;

	might_sleep("Xen");
	const int error = GuestCalls::open(of(xen), *plan, &ring, shared);
	*out = reinterpret_cast<struct tbk_xen_ring *>(ring);
	return error;
}

int tbk_xen_ring_start(struct tbk_xen_ring *xr)
{
	might_sleep("Xen");
	return GuestCalls::start(of(xr));
}

void tbk_xen_ring_stop(struct tbk_xen_ring *xr)
{
	might_sleep("a thread");
	of(xr).stop();
}

void tbk_xen_ring_close(struct tbk_xen_ring *xr)
{
	might_sleep("Xen");
	GuestCalls::close(&of(xr));
}

void tbk_xen_ring_wake(struct tbk_xen_ring *xr)
{
	of(xr).call();
}

void tbk_xen_ring_wake_after(struct tbk_xen_ring *xr, unsigned int ms)
{
	of(xr).call_after(ms);
}

void tbk_xen_ring_notify(struct tbk_xen_ring *xr)
{
	GuestCalls::notify(of(xr).guest_);
}

void tbk_xen_ring_finish_soon(struct tbk_xen_ring *xr)
{
	of(xr).finish_soon();
}

void tbk_xen_ring_retry_after(struct tbk_xen_ring *xr, unsigned int ms)
{
	of(xr).retry_after(ms);
}

void tbk_xen_ring_tidy_after(struct tbk_xen_ring *xr, unsigned int ms)
{
	of(xr).tidy_after(ms);
}

void tbk_xen_pages_give(struct tbk_xen_ring *xr, unsigned int count)
{
	might_sleep("memory");
	of(xr).give_pages(count);
}

unsigned int tbk_xen_pages_take(struct tbk_xen_ring *xr, unsigned int count)
{
	might_sleep("memory");
	return of(xr).take_pages(count);
}

void tbk_xen_grants_map(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
			unsigned int count)
{
	might_sleep("a page");
	GuestCalls::note_batch(of(xr).guest_, count);
	for (unsigned int i = 0; i < count; i++)
		GuestCalls::map(of(xr), *grants[i]);
	maybe_preempt();
}

void tbk_xen_grants_unmap(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
			  unsigned int count)
{
	if (of(xr).is_unmapping_)
		die("two unmap for a ring at once");
	of(xr).is_unmapping_ = true;
	for (unsigned int i = 0; i < count; i++)
		GuestCalls::unmap(of(xr), *grants[i]);
	maybe_preempt();
	of(xr).is_unmapping_ = false;
}

int tbk_xen_grant_is_held(const struct tbk_grant *grant)
{
	return GuestCalls::is_held(grant->page);
}
