// SPDX-License-Identifier: GPL-2.0
#include "session.h"

namespace thinback {
namespace {

using xen::State;

/* Towards no rings; rest once there are none. */
Step disconnect(const SessionView &view)
{
	if (!view.has_rings)
		return Step::rest;
	if (view.is_taking)
		return Step::stop;
	return view.is_busy ? Step::rest : Step::release;
}

bool is_connected(const SessionView &view)
{
	return view.has_rings;
}

/*
 * For good. The toolstack frees what lies below once it sees Closed: so the
 * device is closed before, and depart comes first as Closed is what sets the
 * going away in motion.
 */
Step leave(const SessionView &view)
{
	if (is_connected(view))
		return disconnect(view);
	if (view.has_target)
		return Step::close_target;
	if (!view.has_departed)
		return Step::depart;
	/* Another driver takes over where we stopped, and writes its own. */
	if (view.is_leaving)
		return Step::rest;
	return view.own == State::closed ? Step::rest : Step::enter_closed;
}

/* The frontend has nothing of ours in use and may want to start. */
Step welcome(const SessionView &view)
{
	if (view.is_evicted)
		return leave(view);
	if (is_connected(view))
		return disconnect(view);
	return view.own == State::init_wait ? Step::rest : Step::offer;
}

Step join(const SessionView &view)
{
	if (view.is_evicted || (view.own == State::connected && !view.has_moved_on))
		return Step::rest;
	if (is_connected(view))
		return disconnect(view);
	return view.has_target && !view.has_failed ? Step::connect : Step::rest;
}

Step close(const SessionView &view)
{
	if (!view.is_online)
		return leave(view);
	if (is_connected(view))
		return disconnect(view);
	return view.own == State::closed ? Step::rest : Step::enter_closed;
}

} // namespace

Step next_step(const SessionView &view)
{
	if (view.is_leaving || view.frontend == State::unknown)
		return leave(view);
	/* GRUB takes everything but InitWait for a connection: never leave it at less. */
	if (view.own == State::initialising)
		return Step::offer;

	switch (view.frontend) {
	case State::unknown:
		break;
	case State::initialising:
	case State::init_wait:
		return welcome(view);
	case State::initialised:
	case State::connected:
		return join(view);
	case State::closing:
		/* Requests are still answered: some flush before they go on to Closed. */
		return view.own == State::closing ? Step::rest : Step::enter_closing;
	case State::closed:
		return close(view);
	}
	return view.own == State::closing ? Step::rest : Step::refuse;
}

} // namespace thinback
