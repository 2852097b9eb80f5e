// SPDX-License-Identifier: GPL-2.0
/* What happens while the backend looks: a second thread of the guest rewrites, revokes, or rings. */
#include <string.h>

#include <atomic>
#include <thread>

#include "attack.h"

namespace hostile {
namespace {

constexpr unsigned rounds = 300;

/* Has @change called by another thread, again and again, as long as this lives. */
template <class Change> class Meanwhile {
public:
	explicit Meanwhile(Change change)
		: thread_([this, change] {
			  for (unsigned i = 0; !is_over_.load(std::memory_order_relaxed); i++)
				  change(i);
		  })
	{
	}
	~Meanwhile()
	{
		is_over_ = true;
		thread_.join();
	}

private:
	std::atomic<bool> is_over_{ false };
	std::thread thread_;
};

template <class Value> void flip(volatile Value &value, u32 bits)
{
	value = static_cast<Value>(value ^ bits);
}

/* Each field that is checked flips between sound and not: whatever wins, each request has its answer. */
std::string rewritten_ring(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants data(frontend.backend_domain(), 1);
	Ring &ring = frontend.ring();
	xen::WireReadWrite wire = simple_request(xen::op_read, data.ref());

	/* Those that the count does not name, too: it changes. */
	for (xen::WireSegment &segment : wire.segments)
		segment = wire.segments[0];

	volatile auto *memory = static_cast<volatile u8 *>(ring.page().page());
	/* Of a grant the highest byte: others could be those of the guest's own console. */
	static constexpr unsigned fields[] = { 0, 1, 16, 23, 27, 28, 29 };
	const Meanwhile flips([memory](unsigned i) {
		const u32 slot = i / 7 % Ring::slots;

		volatile u8 &byte = memory[sizeof(xen::RingHead) +
					   slot * sizeof(xen::WireReadWrite) + fields[i % 7]];

		flip(byte, i >> 8 | 1);
	});

	for (unsigned round = 0; round < rounds; round++) {
		for (u32 i = 0; i < Ring::slots; i++)
			ring.put(wire);
		ring.push();
		if (!ring.is_answered())
			return "requests that are rewritten are not answered";
	}
	return "";
}

std::string rewritten_list(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants data(frontend.backend_domain(), 1), list(frontend.backend_domain(), 1);
	volatile auto *segments = static_cast<volatile xen::WireSegment *>(list.page());
	xen::WireIndirect wire = {};

	wire.operation = xen::op_indirect;
	wire.nr_segments = 64;
	wire.grants[0] = list.ref();
	for (unsigned i = 0; i < 64; i++) {
		segments[i].grant = data.ref();
		segments[i].last_sector = 7;
	}
	const Meanwhile flips([segments](unsigned i) {
		flip(segments[i % 64].last_sector, 0xf8);
		flip(segments[i % 64].first_sector, 7);
		flip(segments[i * 7 % 64].grant, 0x40000000);
	});

	for (unsigned round = 0; round < rounds; round++) {
		if (frontend.ring().ask(wire) == no_answer)
			return "a request whose list is rewritten is not answered";
	}
	return "";
}

/* The backend's own fields, too. */
std::string rewritten_head(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	volatile xen::RingHead &head = frontend.ring().head();

	{
		const Meanwhile flips([&head](unsigned i) {
			head.rsp_prod = i * 2654435761u;
			head.req_event = i;
			head.rsp_event = ~i;
			head.req_prod = i % Ring::slots;
		});

		for (unsigned i = 0; i < 500; i++) {
			frontend.ring().channel().notify();
			sleep_ms(1);
		}
	}
	return "";
}

std::string revoked(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Ring &ring = frontend.ring();

	for (unsigned round = 0; round < 50; round++) {
		Grants data(frontend.backend_domain(), 1);

		for (u32 i = 0; i < Ring::slots; i++)
			ring.put(simple_request(i % 2 ? xen::op_write : xen::op_read, data.ref()));
		ring.push();
		data.revoke();
		if (!ring.is_answered())
			return "requests whose page is revoked are not answered";
	}
	return "";
}

std::string revoked_ring(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";
	frontend.ring().page().revoke();
	for (unsigned i = 0; i < 100; i++)
		frontend.ring().channel().notify();
	return "";
}

std::string event_storm(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";
	for (unsigned i = 0; i < 200000; i++)
		frontend.ring().channel().notify();

	Grants data(frontend.backend_domain(), 1);

	return frontend.ring().ask(simple_request(xen::op_read, data.ref())) == 0
		       ? ""
		       : "a sound read after the storm fails";
}

/* Closed with requests in flight: none of what they touch may be touched after. */
std::string closed_in_flight(Frontend &frontend)
{
	Grants data(frontend.backend_domain(), 1);

	for (unsigned round = 0; round < 20; round++) {
		if (!frontend.connect())
			return "no connection";
		for (u32 i = 0; i < Ring::slots; i++)
			frontend.ring().put(simple_request(xen::op_write, data.ref()));
		frontend.ring().push();
		frontend.enter(State::closed);
		if (!frontend.backend_enters(State::closed))
			return "does not close with requests in flight";
	}
	return "";
}

constexpr Attack table[] = {
	{ "rewritten-ring", "requests are rewritten while they are read", Leaves::nothing,
	  rewritten_ring },
	{ "rewritten-list", "a list of segments is rewritten while it is read", Leaves::nothing,
	  rewritten_list },
	{ "rewritten-head", "the ring's indices are rewritten, the backend's too", Leaves::nothing,
	  rewritten_head },
	{ "revoked", "pages are revoked with requests in flight", Leaves::nothing, revoked },
	{ "revoked-ring", "the ring's page is revoked", Leaves::nothing, revoked_ring },
	{ "event-storm", "200000 events without a request", Leaves::nothing, event_storm },
	{ "closed-in-flight", "Closed with a full ring in flight", Leaves::nothing,
	  closed_in_flight },
};

} // namespace

const std::span<const Attack> race_attacks = table;

} // namespace hostile
