// SPDX-License-Identifier: GPL-2.0
#include "guest.h"

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

void Guest::kick()
{
	const u32 since = req_prod_ - kicked_;

	if (req_prod_ - ring().req_event < since && thread_)
		thread_->call();
	kicked_ = req_prod_;
}

} // namespace thinback
