/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <string>

#include <thinback/xen/blkif.h>

#include "channel.h"
#include "grants.h"

namespace hostile {

/* What a request that has not been answered says, beside what xen::Reply says. */
inline constexpr int no_answer = 1;

/* The guest's end of a ring of one page, of the layout of x86_64; believes whatever it is told to. */
class Ring {
public:
	static constexpr u32 slots = xen::slot_count(xen::Abi::x86_64, 1);

	explicit Ring(unsigned domain) : page_(domain, 1), channel_(domain) {}

	u32 ref() const { return page_.ref(); }
	Channel &channel() { return channel_; }
	Grants &page() { return page_; }

	volatile xen::RingHead &head() { return *static_cast<xen::RingHead *>(page_.page()); }
	void *slot(u32 number);
	u32 sent() const { return sent_; }

	/* Copies a request of any kind into the next slot. */
	template <class Wire> void put(const Wire &wire)
	{
		static_assert(sizeof(Wire) <= xen::slot_size(xen::Abi::x86_64));
		*static_cast<Wire *>(slot(sent_++)) = wire;
	}
	/* Shows all that was put. */
	void push();
	/* Until all that was put is answered, or it takes too long. */
	bool is_answered();
	/* A request alone, and the status of its answer. */
	template <class Wire> int ask(const Wire &wire)
	{
		put(wire);
		push();
		return is_answered() ? status_of(sent_ - 1) : no_answer;
	}
	int status_of(u32 number) { return static_cast<xen::WireResponse *>(slot(number))->status; }

private:
	Grants page_;
	Channel channel_;
	u32 sent_ = 0;
};

/* One page read or written at the start of the disk. */
xen::WireReadWrite simple_request(u8 operation, u32 grant);

} // namespace hostile
