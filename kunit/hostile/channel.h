/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "device.h"

namespace hostile {

/* An event channel that another domain may bind. What comes back is not listened to. */
class Channel {
public:
	explicit Channel(unsigned domain);

	unsigned port() const { return port_; }
	void notify();

private:
	Device device_{ "/dev/xen/evtchn" };
	unsigned port_;
};

} // namespace hostile
