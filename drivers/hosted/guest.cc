// SPDX-License-Identifier: GPL-2.0
#include "guest.h"

#include <string.h>

#include <algorithm>

#include "guest_thread.h"

namespace thinback {

namespace {

constexpr u64 minute_ms = 60'000;

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

Guest::Guest(const struct tbk_vbd_target &behind, const struct tbk_vbd_heritage &heritage)
	: Guest(behind, heritage, nullptr, 1)
{
}

Guest::Guest(const struct tbk_vbd_target &behind, struct tbk_guests *guests, u32 domid)
	: Guest(behind, {}, guests, domid)
{
}

Guest::Guest(const struct tbk_vbd_target &behind, const struct tbk_vbd_heritage &heritage,
	     struct tbk_guests *guests, u32 domid)
	: target_(behind),
	  own_guests_(guests ? nullptr : tbk_guests_create()),
	  vbd_(tbk_vbd_create(this, guests ? guests : own_guests_, domid, &heritage)),
	  queue_(tbk_queue_create("xenbus"))
{
	tbk_work_init(&work_.raw, advance_work);
	tbk_work_init(&alarm_.raw, alarm_work);
	work_.guest = alarm_.guest = this;
	if (!vbd_ || !queue_)
		die("no memory for a guest");
	tbk_vbd_set_target(vbd_, &target_);
	/* A frontend that is connected is so before anybody looks: see connect(). */
	if (!heritage.connected)
		tbk_work_queue(queue_, &work_.raw);
}

Guest::~Guest()
{
	leave();
	tbk_work_cancel(&alarm_.raw);
	tbk_work_cancel(&work_.raw);
	tbk_queue_destroy(queue_);
	tbk_vbd_destroy(vbd_);
	if (own_guests_)
		tbk_guests_destroy(own_guests_);
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

u32 Guest::room() const
{
	u32 room = 0;

	for (const Ring *ring : rings_)
		room += ring->thread ? ring->thread->max_ : 0;
	return room;
}

void Guest::squeeze()
{
	for (const Ring *ring : rings_)
		ring->thread->squeeze();
}

bool Guest::relax(u32 pages)
{
	bool is_all = true;

	pages_there_ = pages;
	for (const Ring *ring : rings_)
		is_all &= ring->thread->relax();
	return is_all;
}

/* ---- xenstore ---- */

void Guest::advance_work(struct tbk_work *work)
{
	reinterpret_cast<Work *>(work)->guest->advance();
}

void Guest::alarm_work(struct tbk_work *work)
{
	tbk_xen_advance(reinterpret_cast<Work *>(work)->guest);
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

/* The keys of one ring, below @folder. */
void Guest::write_ring_keys(const Ring &ring, const std::string &folder)
{
	const bool is_numbered = layout_.order != 0 || layout_.is_numbered;

	for (size_t i = 0; i < ring.grants.size(); i++)
		frontend[folder + "ring-ref" + (is_numbered ? std::to_string(i) : "")] =
			std::to_string(ring.grants[i]);
	frontend[folder + "event-channel"] = "7";
	frontend.erase("ring-page-order");
	if (is_numbered)
		frontend["ring-page-order"] = std::to_string(layout_.order);
}

void Guest::connect(xen::Abi abi, xen::State state, const GuestLayout &layout)
{
	abi_ = abi;
	layout_ = layout;
	rings_.clear();
	frontend["protocol"] = abi == xen::Abi::x86_32 ? "x86_32-abi" : "x86_64-abi";
	frontend["feature-persistent"] = layout.is_persistent ? "1" : "0";
	frontend["multi-queue-num-queues"] = std::to_string(layout.queues);
	for (u32 i = 0; i < layout.queues; i++) {
		auto made = std::make_unique<Ring>();

		for (u32 page = 0; page < 1u << layout.order; page++)
			made->grants.push_back(grant());
		rings_.push_back(made.get());
		all_rings_.push_back(std::move(made));
		ring(i).req_event = ring(i).rsp_event = 1;
		write_ring_keys(*rings_[i],
				layout.queues > 1 ? "queue-" + std::to_string(i) + "/" : "");
	}
	go(state);
}

bool Guest::exchange(const struct tbk_vbd_target &behind)
{
	if (!tbk_vbd_drop_target(vbd_))
		return false;
	target_ = behind;
	is_target_open_ = true;
	tbk_vbd_set_target(vbd_, &target_);
	look();
	return true;
}

void Guest::look()
{
	tbk_work_queue(queue_, &work_.raw);
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

/* ---- rings ---- */

xen::RingHead &Guest::ring(u32 queue)
{
	return *reinterpret_cast<xen::RingHead *>(rings_.at(queue)->bytes);
}

u8 *Guest::slot(Ring &ring, u32 index)
{
	return ring.bytes + sizeof(xen::RingHead) + size_t(index % slots()) * xen::slot_size(abi_);
}

u8 *Guest::next_slot(u32 queue)
{
	return slot(*rings_.at(queue), rings_[queue]->req_prod);
}

namespace {

/* At @to, which may be aligned to nothing. */
void fill_segments(void *to, const GuestIo &io, size_t count)
{
	std::vector<xen::WireSegment> segments;

	for (size_t i = 0; i < count; i++) {
		const bool is_last = i + 1 == io.grants.size();

		segments.push_back({ io.grants[i],
				     i ? u8(0) : io.first_sector,
				     is_last ? io.last_sector : u8(7),
				     {} });
	}
	if (count)
		memcpy(to, segments.data(), count * sizeof(segments[0]));
}

template <typename Wire> void fill(Wire &wire, const GuestIo &io)
{
	wire.operation = io.operation;
	wire.nr_segments = static_cast<u8>(io.grants.size());
	wire.handle = 0;
	wire.id = io.id;
	wire.sector = io.sector;
	fill_segments(reinterpret_cast<u8 *>(&wire) + offsetof(Wire, segments), io,
		      std::min<size_t>(io.grants.size(), xen::max_segments));
}

template <typename Wire> void fill_discard(Wire &wire, const GuestIo &io)
{
	wire.operation = io.operation;
	wire.flag = 1; /* secure: which is not offered */
	wire.handle = 0;
	wire.id = io.id;
	wire.sector = io.sector;
	wire.nr_sectors = io.discarded;
}

template <typename Wire> void fill_indirect(Wire &wire, const GuestIo &io, u32 list)
{
	wire.operation = xen::op_indirect;
	wire.indirect_op = io.operation;
	wire.nr_segments = static_cast<u16>(io.grants.size());
	wire.handle = 0;
	wire.id = io.id;
	wire.sector = io.sector;
	wire.grants[0] = list;
}

} // namespace

void Guest::fill_list(const GuestIo &io)
{
	constexpr size_t most = xen::page_size / sizeof(xen::WireSegment);

	list_page_ = grant(!layout_.is_persistent);
	fill_segments(list(), io, std::min(io.grants.size(), most));
}

bool Guest::put(const GuestIo &io, u32 queue)
{
	Ring &ring = *rings_.at(queue);
	const bool is_32 = abi_ == xen::Abi::x86_32;
	std::vector<u32> grants = io.grants;

	if (ring.req_prod - ring.rsp_cons >= slots())
		return false;
	u8 *const to = next_slot(queue);
	if (io.is_indirect) {
		fill_list(io);
		grants.push_back(list_page_);
		if (is_32)
			fill_indirect(*reinterpret_cast<xen::WireIndirect32 *>(to), io, list_page_);
		else
			fill_indirect(*reinterpret_cast<xen::WireIndirect *>(to), io, list_page_);
	} else if (io.operation == xen::op_discard) {
		if (is_32)
			fill_discard(*reinterpret_cast<xen::WireDiscard32 *>(to), io);
		else
			fill_discard(*reinterpret_cast<xen::WireDiscard *>(to), io);
	} else if (is_32) {
		fill(*reinterpret_cast<xen::WireReadWrite32 *>(to), io);
	} else {
		fill(*reinterpret_cast<xen::WireReadWrite *>(to), io);
	}
	ring.in_flight.emplace(io.id, grants);
	push(queue);
	return true;
}

bool Guest::is_in_flight(u32 grant) const
{
	for (const Ring *ring : rings_)
		for (const auto &request : ring->in_flight)
			for (const u32 one : request.second)
				if (one == grant)
					return true;
	return false;
}

/* What blkfront looks at before it takes a page back. */
void Guest::check_answered(Ring &ring, u64 id)
{
	const auto found = ring.in_flight.find(id);

	if (found == ring.in_flight.end())
		die("a response to what was not asked: %llu", id);
	const std::vector<u32> grants = found->second;
	ring.in_flight.erase(found);

	for (const u32 one : grants)
		if (one < pages_.size() && !is_in_flight(one) &&
		    pages_[one]->mapped > (layout_.is_persistent ? layout_.queues : 0u))
			die("a response while page %u is mapped", one);
}

bool Guest::take(GuestReply &reply, u32 queue)
{
	Ring &from = *rings_.at(queue);

	if (!wait_until([&] { return ring(queue).rsp_prod != from.rsp_cons; }))
		return false;

	const auto &wire = *reinterpret_cast<const xen::WireResponse *>(slot(from, from.rsp_cons));

	reply = { wire.id, wire.operation, wire.status };
	ring(queue).rsp_event = ++from.rsp_cons + 1;
	check_answered(from, reply.id);
	return true;
}

void Guest::kick(u32 queue)
{
	Ring &from = *rings_.at(queue);
	const u32 since = from.req_prod - from.kicked;

	if (from.req_prod - ring(queue).req_event < since)
		send_event(queue);
	from.kicked = from.req_prod;
}

void Guest::send_event(u32 queue)
{
	if (rings_.at(queue)->thread)
		rings_[queue]->thread->event();
}

} // namespace thinback
