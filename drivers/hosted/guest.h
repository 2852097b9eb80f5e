/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that is made up: answers xen_platform.h, so that a disk's backend
 * runs in a process against a frontend that does as a test wants.
 */
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <thinback/base/types.h>
#include <thinback/xen/blkif.h>
#include <thinback/xen/xenbus.h>
#include <thinback/xen_entry.h>

struct tbk_xen {};

namespace thinback {

/* One read or write as a guest asks for it: whole pages, but for the first and the last sector. */
struct GuestIo {
	u8 operation = xen::op_read;
	u64 id = 0;
	u64 sector = 0;
	std::vector<u32> grants;
	u8 first_sector = 0;
	u8 last_sector = 7;
	/* The segments are listed in a page of their own: Guest::list_page(). */
	bool is_indirect = false;
	u64 discarded = 0; /* sectors, of a discard */
};

struct GuestReply {
	u64 id;
	u8 operation;
	int status;
};

/* The rings a frontend wants. */
struct GuestLayout {
	u32 queues = 1;
	u32 order = 0;		  /* log2 of the pages of each */
	bool is_numbered = false; /* the order is written even if it is 0 */
	bool is_persistent = false;
};

class GuestThread;

/*
 * The guest, its xenstore, and the toolstack: all inside hosted_run(). Dies
 * when the backend does what Xen would not let it do, or what would cost the
 * guest its disk: a response while a page of the request is still mapped, a
 * ring or page left mapped, Closed written before.
 */
class Guest : public tbk_xen {
public:
	/* Of a domain that has this disk alone. */
	explicit Guest(const struct tbk_vbd_target &behind,
		       const struct tbk_vbd_heritage &heritage = {});
	/* One of several disks of a domain: they are given the same @guests. */
	Guest(const struct tbk_vbd_target &behind, struct tbk_guests *guests, u32 domid);
	~Guest();
	Guest(const Guest &) = delete;
	Guest &operator=(const Guest &) = delete;

	/* ---- pages ---- */

	/* A page, granted; its number and its bytes. */
	u32 grant(bool is_read_only = false);
	u8 *page(u32 grant);
	/* Somebody in dom0 keeps a reference to it, or lets it go. */
	void hold(u32 grant, bool is_held) { pages_.at(grant)->is_held = is_held; }
	u32 pages_mapped() const;
	u64 maps() const { return maps_; }
	/* How many the rings may have mapped now. */
	u32 room() const;
	/* Dom0 is short of memory; and no longer, but has so many pages at the most: false if that is too few. */
	void squeeze();
	bool relax(u32 pages = ~0u);

	/* ---- xenstore ---- */

	std::map<std::string, std::string> frontend; /* keys of the frontend */
	std::map<std::string, u64> backend;	     /* keys of the backend */
	/* What the administrator allows; before the first connection. */
	struct tbk_xen_limits limits = { .queues = 4,
					 .ring_order = 4,
					 .pages = 1024,
					 .persistent = 1,
					 .kept_pages = 1056,
					 .kept_seconds = 60,
					 .guest_pages = 1 << 20 };
	/* What the toolstack's keys say of how fast the disk may be; those not here it has not written. */
	std::map<std::string, u64> told;
	xen::State state() const { return state_; }
	const std::vector<xen::State> &states() const { return states_; }
	bool has_departed() const { return has_departed_; }
	const std::string &error() const { return error_; }
	void fail_publish() { fail_publish_ = true; }
	/* The @n-th ring from now cannot be started. */
	void fail_start(u32 n) { fail_start_ = n; }

	/* The frontend writes its state; the backend hears of it sooner or later. */
	void go(xen::State state);
	/* Waits until the backend's state is that, or for a minute: false. */
	bool wait_for(xen::State state);
	/* Writes all keys for new rings, and goes to @state. */
	void connect(xen::Abi abi = xen::Abi::x86_64, xen::State state = xen::State::initialised,
		     const GuestLayout &layout = {});
	/* The toolstack writes the backend's state. */
	void write_state(xen::State state) { state_ = state; }
	/* The toolstack wants another device behind; false while rings are connected. */
	bool exchange(const struct tbk_vbd_target &behind);
	/* Has the backend look how things are. */
	void look();
	/* The toolstack wants the disk away. */
	void evict();
	/* Another driver has the guest's event channels, or lets them go. */
	void bind_elsewhere(bool is_bound) { is_bound_elsewhere_ = is_bound; }
	u32 binds_refused() const { return binds_refused_; }
	/* The driver leaves the disk, as at unbind. Returns when it is let go. */
	void leave();

	/* ---- rings ---- */

	xen::RingHead &ring(u32 queue = 0);
	u32 slots() const { return xen::slot_count(abi_, 1u << layout_.order); }
	/* Puts a request, without an event: false if there is no room. */
	bool put(const GuestIo &io, u32 queue = 0);
	/* The page that lists the segments of the last indirect request. */
	u32 list_page() const { return list_page_; }
	xen::WireSegment *list() { return reinterpret_cast<xen::WireSegment *>(page(list_page_)); }
	u8 *next_slot(u32 queue = 0);
	const u8 *ring_slot(u32 index, u32 queue = 0) { return slot(*rings_.at(queue), index); }
	void push(u32 queue = 0) { ring(queue).req_prod = ++rings_[queue]->req_prod; }
	/* Sends an event if the backend wants one. */
	void kick(u32 queue = 0);
	/* Sends an event, wanted or not. */
	void send_event(u32 queue = 0);
	/* Takes the next response, waiting for it up to a minute. */
	bool take(GuestReply &reply, u32 queue = 0);
	/* How often the ring's thread was run: others may be between two of them. */
	u64 turns(u32 queue = 0) const { return rings_.at(queue)->turns; }
	bool has_response(u32 queue = 0) { return ring(queue).rsp_prod != rings_[queue]->rsp_cons; }
	u32 events_received() const { return events_received_; }
	/* What the guest does at once when it gets one, on a CPU of its own; it may not wait. */
	void on_event(std::function<void()> act) { on_event_ = std::move(act); }
	/* Events that reached the backend, and those of them that had nothing to tell. */
	u32 events_delivered() const { return events_delivered_; }
	u32 events_for_nothing() const { return events_for_nothing_; }
	u32 mapped_at_once() const { return mapped_at_once_; }

	struct tbk_vbd *vbd() { return vbd_; }

private:
	friend class GuestThread;
	friend struct GuestCalls;

	Guest(const struct tbk_vbd_target &behind, const struct tbk_vbd_heritage &heritage,
	      struct tbk_guests *guests, u32 domid);

	struct Page {
		alignas(8) u8 bytes[xen::page_size]; /* first: found from it */
		bool is_read_only;
		bool is_held;
		u32 mapped;
	};

	struct Ring {
		alignas(8) u8 bytes[xen::max_ring_pages * xen::page_size]{};
		std::vector<u32> grants;
		u32 req_prod = 0;
		u32 rsp_cons = 0;
		u32 kicked = 0; /* requests the backend had its chance to be told of */
		u64 turns = 0;
		std::multimap<u64, std::vector<u32>> in_flight;
		GuestThread *thread = nullptr;
	};

	static void advance_work(struct tbk_work *work);
	static void alarm_work(struct tbk_work *work);
	void advance();
	void write_ring_keys(const Ring &ring, const std::string &folder);
	u8 *slot(Ring &ring, u32 index);
	void fill_list(const GuestIo &io);
	void check_answered(Ring &ring, u64 id);
	bool is_in_flight(u32 grant) const;

	struct Work {
		struct tbk_work raw; /* first: found from it */
		Guest *guest;
	};

	struct tbk_vbd_target target_;
	struct tbk_guests *own_guests_ = nullptr;
	bool is_target_open_ = true;
	struct tbk_vbd *vbd_;
	struct tbk_queue *queue_;
	Work work_{};
	Work alarm_{}; /* queues it */

	std::vector<std::unique_ptr<Page>> pages_;
	xen::State frontend_state_ = xen::State::initialising;
	xen::State state_ = xen::State::initialising;
	std::vector<xen::State> states_;
	std::string error_;
	bool has_moved_ = false;
	bool is_online_ = true;
	bool is_evicted_ = false;
	bool is_leaving_ = false;
	bool is_empty_ = false;
	bool has_departed_ = false;
	bool fail_publish_ = false;
	u32 fail_start_ = 0;
	bool is_bound_elsewhere_ = false;
	u32 binds_refused_ = 0;

	xen::Abi abi_ = xen::Abi::x86_64;
	GuestLayout layout_;
	std::vector<std::unique_ptr<Ring>> all_rings_; /* those of before may still be mapped */
	std::vector<Ring *> rings_;
	u32 list_page_ = 0;
	u64 maps_ = 0; /* of pages for requests, so far */
	u32 pages_there_ = ~0u;
	u32 events_received_ = 0;
	std::function<void()> on_event_;
	u32 events_delivered_ = 0;
	u32 events_for_nothing_ = 0;
	u32 mapped_at_once_ = 0;
};

} // namespace thinback
