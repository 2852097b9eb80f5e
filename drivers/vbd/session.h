/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/xen/xenbus.h>

namespace thinback {

/* Everything that decides what a disk's backend does next. */
struct SessionView {
	/* Of the frontend: the state as it is now. States in between may never be seen. */
	xen::State frontend = xen::State::unknown;
	/* Of ourselves: the state we wrote last; initialising before the first. */
	xen::State own = xen::State::initialising;

	bool has_target = false;   /* the device behind the disk is open */
	bool has_rings = false;	   /* the guest's pages are mapped */
	bool is_taking = false;	   /* requests are taken from them */
	bool is_busy = false;	   /* requests are in flight */
	bool has_moved_on = false; /* the frontend has other rings now than those we connected to */
	bool has_failed = false;   /* connecting went wrong, and the frontend has not moved since */
	bool is_online = true;	   /* the disk stays when the frontend closes */
	bool is_evicted = false;   /* the toolstack has asked us to close, for good */
	bool is_leaving = false;   /* the driver gives the disk up */
	bool has_departed = false; /* nothing of the disk is left but the object */
};

/* One thing to do; then look again. */
enum class Step : u8 {
	rest,	       /* nothing until something changes */
	offer,	       /* say what we can do, go to InitWait */
	connect,       /* map rings, say what the disk is, go to Connected */
	stop,	       /* take no more requests */
	release,       /* unmap the rings; nothing is in flight */
	enter_closing, /* go to Closing */
	enter_closed,  /* go to Closed */
	close_target,  /* close the device behind */
	depart,	       /* have the object go away */
	refuse,	       /* the frontend makes no sense: say so, go to Closing */
};

/*
 * The table of the xenbus handshake. Frontends differ in the way they take
 * (OVMF goes from 1 to 4, GRUB from 2 straight to 3, Windows through 5 and 6
 * before it ever connects), and what we see may skip states anyway: so only
 * where the frontend stands counts, never where it came from.
 *
 * Closed is never reached with a request in flight or a page of the guest's mapped.
 */
Step next_step(const SessionView &view);

} // namespace thinback
