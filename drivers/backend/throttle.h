/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "rate.h"

namespace thinback {

/*
 * A ring's place in the line of those that a limit makes wait: for one request,
 * which stays on the ring. The ring's thread alone touches it.
 */
class Ticket {
public:
	bool is_held() const { return is_held_; }
	/* Rounded up. Never long: what is waited for may come sooner. */
	u32 wait_ms(u64 now_ns) const
	{
		constexpr u64 ms = 1'000'000;
		constexpr u64 longest = 10'000;

		return static_cast<u32>(min((start_ns_ - now_ns + ms - 1) / ms, longest));
	}

private:
	friend class Throttle;

	bool is_held_ = false;
	u32 bytes_ = 0;	  /* paid for */
	u32 version_ = 0; /* of the limits it was bought under */
	u64 start_ns_ = 0;
};

/*
 * How fast a disk may be: requests a second, and bytes of data a second, over
 * all its rings. A flush and a discard are a request each, without data.
 *
 * Limits are set by anybody at any time. Where there are none, all that a
 * request costs is to see that. With several rings waiting each has its turn.
 */
class Throttle {
public:
	/* 0: none. Who waits has to be called: has_changed(). */
	void limit_iops(u64 per_second) { set(iops_, per_second); }
	void limit_bandwidth(u64 per_second) { set(bandwidth_, per_second); }
	u64 iops() const { return iops_.per_second(); }
	u64 bandwidth() const { return bandwidth_.per_second(); }
	bool is_on() const { return (iops() | bandwidth()) != 0; }

	/* Since it was asked before. One caller. */
	bool has_changed()
	{
		const u32 version = version_.load_acquire();
		const bool result = version != seen_;

		seen_ = version;
		return result;
	}

	/*
	 * Whether a request of @bytes may be taken now; if not, @ticket says when.
	 * A ring that is let in holds its ticket until redeem(): if it cannot take
	 * the request for another reason, it has not to pay again.
	 */
	bool admit(Ticket &ticket, u32 bytes, u64 now_ns)
	{
		const u32 version = version_.load_acquire();

		if (!ticket.is_held_ || ticket.version_ != version) {
			ticket.start_ns_ =
				max(iops_.take(1, now_ns), bandwidth_.take(bytes, now_ns));
			ticket.bytes_ = bytes;
			ticket.version_ = version;
			ticket.is_held_ = true;
		}
		return ticket.start_ns_ <= now_ns;
	}

	/* A request of @bytes has been taken; it need not be the one that was asked for. */
	void redeem(Ticket &ticket, u32 bytes, u64 now_ns)
	{
		if (bytes > ticket.bytes_)
			bandwidth_.take(bytes - ticket.bytes_, now_ns);
		else
			give_back(ticket.bytes_ - bytes);
		ticket.is_held_ = false;
	}

	/* That was not so much after all. */
	void give_back(u32 bytes)
	{
		if (bytes)
			bandwidth_.give_back(bytes);
	}

private:
	void set(Rate &rate, u64 per_second)
	{
		rate.set(per_second);
		version_.fetch_add(1);
	}

	Rate iops_;
	Rate bandwidth_;
	Atomic<u32> version_;
	u32 seen_ = 0; /* by has_changed() */
};

} // namespace thinback
