// SPDX-License-Identifier: GPL-2.0
#include "guest.h"

#include <stdarg.h>
#include <stdio.h>

#include "hosted.h"
#include "simulation.h"

namespace thinback {

namespace {

constexpr u64 minute_ms = 60'000;

Guest &of(struct tbk_xen *xen)
{
	return *static_cast<Guest *>(xen);
}

/* Sleeps until @holds, a minute at most. */
template <typename Fn> bool wait_until(Fn holds)
{
	for (u64 ms = 0; ms < minute_ms; ms++) {
		if (holds())
			return true;
		hosted_sleep_ms(1);
	}
	return false;
}

} // namespace

Guest::Guest(const struct tbk_vbd_target &behind)
	: target_(behind), vbd_(tbk_vbd_create(this)), queue_(tbk_queue_create("xenbus"))
{
	tbk_work_init(&work_.raw, advance_work);
	work_.guest = this;
	if (!vbd_ || !queue_)
		die("no memory for a guest");
	tbk_vbd_set_target(vbd_, &target_);
	tbk_work_queue(queue_, &work_.raw);
}

Guest::~Guest()
{
	leave();
	tbk_work_cancel(&work_.raw);
	tbk_queue_destroy(queue_);
	tbk_vbd_destroy(vbd_);
	if (pages_mapped())
		die("%u pages of a guest stay mapped", pages_mapped());
}

/* ---- pages ---- */

u32 Guest::grant(bool is_read_only)
{
	auto made = std::make_unique<Page>();

	made->is_read_only = is_read_only;
	pages_.push_back(std::move(made));
	return static_cast<u32>(pages_.size() - 1);
}

u8 *Guest::page(u32 grant)
{
	return pages_.at(grant)->bytes;
}

u32 Guest::pages_mapped() const
{
	u32 mapped = 0;

	for (const auto &one : pages_)
		mapped += one->mapped;
	return mapped;
}

/* ---- xenstore ---- */

void Guest::advance_work(struct tbk_work *work)
{
	reinterpret_cast<Work *>(work)->guest->advance();
}

void Guest::advance()
{
	const struct tbk_vbd_view view = { static_cast<u32>(frontend_state_), has_moved_,
					   is_online_, is_evicted_, is_leaving_ };

	has_moved_ = false;
	if (tbk_vbd_advance(vbd_, &view))
		is_empty_ = true;
	if (has_departed_ && pages_mapped())
		die("a disk departs with pages of the guest's mapped");
}

void Guest::go(xen::State state)
{
	frontend_state_ = state;
	has_moved_ = true;
	tbk_work_queue(queue_, &work_.raw);
}

bool Guest::wait_for(xen::State state)
{
	return wait_until([&] { return state_ == state; });
}

void Guest::connect(xen::Abi abi, xen::State state)
{
	abi_ = abi;
	ring_grant_ = grant();
	req_prod_ = rsp_cons_ = kicked_ = 0;
	in_flight_.clear();
	ring().req_event = ring().rsp_event = 1;
	frontend["protocol"] = abi == xen::Abi::x86_32 ? "x86_32-abi" : "x86_64-abi";
	frontend["ring-ref"] = std::to_string(ring_grant_);
	frontend["event-channel"] = "7";
	go(state);
}

void Guest::evict()
{
	is_online_ = false;
	is_evicted_ = true;
	state_ = xen::State::closing;
	tbk_work_queue(queue_, &work_.raw);
}

void Guest::leave()
{
	is_empty_ = false;
	is_leaving_ = true;
	tbk_work_queue(queue_, &work_.raw);
	if (!wait_until([&] { return is_empty_; }))
		die("a disk is not let go");
}

/* ---- the ring ---- */

u8 *Guest::next_slot()
{
	const u32 index = req_prod_ % xen::slot_count(abi_, 1);

	return page(ring_grant_) + sizeof(xen::RingHead) + size_t(index) * xen::slot_size(abi_);
}

namespace {

template <typename Wire> void fill(Wire &wire, const GuestIo &io)
{
	wire.operation = io.operation;
	wire.nr_segments = static_cast<u8>(io.grants.size());
	wire.handle = 0;
	wire.id = io.id;
	wire.sector = io.sector;
	for (size_t i = 0; i < io.grants.size() && i < xen::max_segments; i++) {
		const bool is_last = i + 1 == io.grants.size();

		wire.segments[i] = { io.grants[i],
				     i ? u8(0) : io.first_sector,
				     is_last ? io.last_sector : u8(7),
				     {} };
	}
}

} // namespace

bool Guest::put(const GuestIo &io)
{
	if (req_prod_ - rsp_cons_ >= xen::slot_count(abi_, 1))
		return false;
	if (abi_ == xen::Abi::x86_32)
		fill(*reinterpret_cast<xen::WireReadWrite32 *>(next_slot()), io);
	else
		fill(*reinterpret_cast<xen::WireReadWrite *>(next_slot()), io);
	in_flight_.emplace(io.id, io.grants);
	push();
	return true;
}

/* What blkfront looks at before it takes a page back. */
void Guest::check_answered(u64 id)
{
	const auto found = in_flight_.find(id);

	if (found == in_flight_.end())
		die("a response to what was not asked: %llu", id);
	const std::vector<u32> grants = found->second;
	in_flight_.erase(found);

	for (const u32 one : grants) {
		bool is_shared = one >= pages_.size();

		for (const auto &other : in_flight_)
			for (const u32 theirs : other.second)
				is_shared |= theirs == one;
		if (!is_shared && pages_[one]->mapped)
			die("a response while page %u is mapped", one);
	}
}

bool Guest::take(GuestReply &reply)
{
	if (!wait_until([&] { return ring().rsp_prod != rsp_cons_; }))
		return false;

	const u32 index = rsp_cons_ % xen::slot_count(abi_, 1);
	const u8 *slot =
		page(ring_grant_) + sizeof(xen::RingHead) + size_t(index) * xen::slot_size(abi_);
	const auto &wire = *reinterpret_cast<const xen::WireResponse *>(slot);

	reply = { wire.id, wire.operation, wire.status };
	ring().rsp_event = ++rsp_cons_ + 1;
	check_answered(reply.id);
	return true;
}

/* ---- the ring, as dom0 has it ---- */

class GuestThread {
public:
	GuestThread(Guest &guest, const struct tbk_xen_ring_plan &plan)
		: guest_(guest), core_(plan.ring), grant_(plan.grants[0]), max_(plan.max_grants)
	{
		tbk_wait_init(&wait_);
	}

	void start()
	{
		/* Xen makes an event pending when a port is bound. */
		is_called_ = is_running_ = true;
		hosted_spawn("ring", [this] { run(); });
	}

	void stop()
	{
		is_stopping_ = true;
		tbk_wake(&wait_);
		tbk_wait_until(
			&wait_, [](void *self) { return int(!of(self).is_running_); }, this);
	}

	void call()
	{
		is_called_ = true;
		tbk_wake(&wait_);
	}

	/* Waits for what finish_soon() and retry_after() have started. */
	void settle()
	{
		if (is_running_)
			die("a ring is closed while its thread runs");
		tbk_wait_until(
			&wait_, [](void *self) { return int(of(self).pending_ == 0); }, this);
	}

	void finish_soon()
	{
		pending_++;
		hosted_interrupt(0, finish, this);
	}

	void retry_after(unsigned int ms)
	{
		pending_++;
		hosted_interrupt(u64(ms) * 1'000'000, retry, this);
	}

	/* Whether one page more may be mapped. */
	bool has_room() const { return mapped_ < max_; }

	Guest &guest_;
	struct tbk_ring *core_;
	u32 grant_;
	u32 max_;
	u32 mapped_ = 0;
	bool is_unmapping_ = false;

private:
	static GuestThread &of(void *self) { return *static_cast<GuestThread *>(self); }

	static int is_wanted(void *self)
	{
		return int(of(self).is_called_ || of(self).is_stopping_);
	}

	void run()
	{
		while (!is_stopping_) {
			tbk_wait_until(&wait_, is_wanted, this);
			is_called_ = false;
			if (!is_stopping_ && drain())
				break;
		}
		is_running_ = false;
		tbk_wake(&wait_);
	}

	/* True when the ring is dead. */
	bool drain()
	{
		u32 ran = 0;

		do {
			ran = tbk_ring_run(core_);
			hosted_yield();
			if (ran & TBK_RUN_DEAD)
				return true;
		} while (ran & TBK_RUN_MORE && !is_stopping_);
		return false;
	}

	static void finish(void *self)
	{
		tbk_ring_finish(of(self).core_);
		of(self).done();
	}

	static void retry(void *self)
	{
		tbk_ring_retry(of(self).core_);
		of(self).done();
	}

	void done()
	{
		pending_--;
		tbk_wake(&wait_);
	}

	struct tbk_wait wait_ {};
	bool is_called_ = false;
	bool is_stopping_ = false;
	bool is_running_ = false;
	u32 pending_ = 0;
};

void Guest::kick()
{
	const u32 since = req_prod_ - kicked_;

	if (req_prod_ - ring().req_event < since && thread_)
		thread_->call();
	kicked_ = req_prod_;
}

/* ---- xen_platform.h; a friend of the guest ---- */

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

	static void fatal(Guest &guest, const char *text)
	{
		guest.error_ = text;
		guest.state_ = xen::State::closing;
		guest.states_.push_back(guest.state_);
	}

	static void close_target(Guest &guest)
	{
		if (!guest.is_target_open_)
			die("a target is closed twice");
		guest.is_target_open_ = false;
	}

	static void depart(Guest &guest) { guest.has_departed_ = true; }
	static void advance(Guest &guest) { tbk_work_queue(guest.queue_, &guest.work_.raw); }

	static int open(Guest &guest, const struct tbk_xen_ring_plan &plan, GuestThread **out,
			void **shared)
	{
		if (plan.grants[0] >= guest.pages_.size())
			return -TBK_EINVAL;
		guest.pages_[plan.grants[0]]->mapped++;
		*out = guest.thread_ = new GuestThread(guest, plan);
		*shared = guest.page(plan.grants[0]);
		return 0;
	}

	static void close(GuestThread *ring)
	{
		ring->settle();
		if (ring->mapped_)
			die("a ring is closed with %u pages mapped", ring->mapped_);
		ring->guest_.pages_[ring->grant_]->mapped--;
		ring->guest_.thread_ = nullptr;
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

	static void notify(Guest &guest) { guest.events_received_++; }
	static void note_batch(Guest &guest, u32 count)
	{
		if (count > guest.mapped_at_once_)
			guest.mapped_at_once_ = count;
	}
};

} // namespace thinback

using namespace thinback;

namespace {

GuestThread &of(struct tbk_xen_ring *xr)
{
	return *reinterpret_cast<GuestThread *>(xr);
}

} // namespace

int tbk_xen_read(struct tbk_xen *xen, const char *key, char *value, size_t size)
{
	const auto &keys = thinback::of(xen).frontend;
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
	return GuestCalls::publish(thinback::of(xen), keys, count);
}

void tbk_xen_switch_state(struct tbk_xen *xen, tbk_u32 state)
{
	might_sleep("xenstore");
	GuestCalls::switch_state(thinback::of(xen), static_cast<xen::State>(state));
}

void tbk_xen_fatal(struct tbk_xen *xen, int, const char *format, ...)
{
	char text[256];
	va_list args;

	might_sleep("xenstore");
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	GuestCalls::fatal(thinback::of(xen), text);
}

int tbk_xen_sync_target(struct tbk_xen *)
{
	might_sleep("a device");
	return 0;
}

void tbk_xen_close_target(struct tbk_xen *xen)
{
	might_sleep("a device");
	GuestCalls::close_target(thinback::of(xen));
}

void tbk_xen_depart(struct tbk_xen *xen)
{
	GuestCalls::depart(thinback::of(xen));
}

void tbk_xen_advance(struct tbk_xen *xen)
{
	GuestCalls::advance(thinback::of(xen));
}

int tbk_xen_ring_open(struct tbk_xen *xen, const struct tbk_xen_ring_plan *plan,
		      struct tbk_xen_ring **out, void **shared)
{
	GuestThread *ring = nullptr;

	might_sleep("Xen");
	const int error = GuestCalls::open(thinback::of(xen), *plan, &ring, shared);
	*out = reinterpret_cast<struct tbk_xen_ring *>(ring);
	return error;
}

int tbk_xen_ring_start(struct tbk_xen_ring *xr)
{
	might_sleep("Xen");
	of(xr).start();
	return 0;
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
