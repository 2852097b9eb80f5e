/* SPDX-License-Identifier: GPL-2.0 */
/* A guest that always has requests. */
#pragma once

#include <vector>

#include "ring_rig.h"

namespace thinback {

/* A device that has done what it is asked to before it returns. */
inline MemoryDevice::Options immediate_device()
{
	MemoryDevice::Options options = ring_device_options();

	options.asynchronous = false;
	return options;
}

/* Whenever it is told of an answer it fills its rings anew, until it has had so many. */
class Greedy {
public:
	Greedy(const GuestIo &wish, u64 most,
	       const GuestLayout &layout = { .queues = 1, .order = 4 })
		: answered(layout.queues),
		  wish_(wish),
		  most_(most),
		  layout_(layout),
		  rig(immediate_device())
	{
	}

	/* Connects, and has its rings full. */
	bool start()
	{
		if (!rig.connect(layout_))
			return false;
		hosted_sleep_ms(1);
		rig.guest.on_event([this] { refill(); });
		for (u32 queue = 0; queue < layout_.queues; queue++)
			fill(queue);
		return true;
	}

	void kick()
	{
		for (u32 queue = 0; queue < layout_.queues; queue++)
			rig.guest.kick(queue);
	}

	u64 all() const
	{
		u64 sum = 0;

		for (const u64 one : answered)
			sum += one;
		return sum;
	}

	/* Pages for the wish, which all requests use. */
	GuestIo &wish() { return wish_; }

	std::vector<u64> answered; /* of each ring */

private:
	void fill(u32 queue)
	{
		while (rig.guest.put(wish_, queue))
			;
	}

	void refill()
	{
		GuestReply reply = {};

		for (u32 queue = 0; queue < layout_.queues; queue++) {
			while (rig.guest.has_response(queue) && rig.guest.take(reply, queue))
				answered[queue]++;
			if (all() < most_)
				fill(queue);
			rig.guest.kick(queue);
		}
	}

	GuestIo wish_;
	const u64 most_;
	const GuestLayout layout_;

public:
	RingRig rig; /* last: it goes first, and may still be told of answers */
};

} // namespace thinback
