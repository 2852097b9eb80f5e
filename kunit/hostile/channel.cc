// SPDX-License-Identifier: GPL-2.0
#include "channel.h"

#include <stdint.h>
#include <sys/ioctl.h>

#include <xen/xen.h>

#include <xen/evtchn.h>

namespace hostile {

Channel::Channel(unsigned domain)
{
	ioctl_evtchn_bind_unbound_port call = { domain };
	const int port = ioctl(device_.fd(), IOCTL_EVTCHN_BIND_UNBOUND_PORT, &call);

	if (port < 0)
		die("make an event channel");
	port_ = static_cast<unsigned>(port);
}

/* Once the backend has gone, there is nobody to tell. */
void Channel::notify()
{
	ioctl_evtchn_notify call = { port_ };

	(void)ioctl(device_.fd(), IOCTL_EVTCHN_NOTIFY, &call);
}

} // namespace hostile
