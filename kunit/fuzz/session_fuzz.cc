// SPDX-License-Identifier: GPL-2.0
/*
 * A frontend that goes from any state to any other, while connecting fails, a
 * disk is pulled and requests end when they like: the backend does one thing at
 * a time, comes to rest, and never says Closed with a page of the guest's mapped.
 *
 * Each byte of an input is something that happens; what the table says is done
 * after each, on a disk that is no more than its view.
 */
#include <stdint.h>

#include <thinback/platform.h>

#include "../../drivers/vbd/session.h"

using namespace thinback;
using xen::State;

namespace {

/* More steps than there are, after one thing that happens, and it goes in a circle. */
constexpr u32 most_steps = 12;

void do_connect(SessionView &view, bool fails)
{
	TBK_ASSERT(!view.has_rings && view.has_target && !view.has_departed);
	TBK_ASSERT(view.frontend == State::initialised || view.frontend == State::connected);
	view.has_moved_on = false;
	if (fails) {
		view.has_failed = true;
		view.own = State::closing;
		return;
	}
	view.has_rings = view.is_taking = true;
	view.own = State::connected;
}

void check_step(const SessionView &view, Step step)
{
	if (step == Step::stop)
		TBK_ASSERT(view.is_taking && view.has_rings);
	if (step == Step::release)
		TBK_ASSERT(view.has_rings && !view.is_taking && !view.is_busy);
	/* Whoever sees Closed takes back the guest's memory and the device. */
	if (step == Step::enter_closed)
		TBK_ASSERT(!view.has_rings && !view.is_busy);
	if (step == Step::close_target || step == Step::depart)
		TBK_ASSERT(!view.has_rings);
}

void take(SessionView &view, Step step, bool connecting_fails)
{
	switch (step) {
	case Step::rest:
		break;
	case Step::offer:
		view.own = State::init_wait;
		break;
	case Step::connect:
		do_connect(view, connecting_fails);
		break;
	case Step::stop:
		view.is_taking = false;
		break;
	case Step::release:
		view.has_rings = false;
		break;
	case Step::enter_closing:
	case Step::refuse:
		view.own = State::closing;
		break;
	case Step::enter_closed:
		view.own = State::closed;
		break;
	case Step::close_target:
		view.has_target = false;
		break;
	case Step::depart:
		view.has_departed = true;
		break;
	}
}

/* The low four bits are what happens; the rest says how. */
void happens(SessionView &view, u8 what)
{
	const bool how = (what & 0x40) != 0;

	switch (what & 15) {
	case 8: /* the hotplug script has run */
		view.has_target = !view.has_departed;
		break;
	case 9:
		view.is_busy = view.is_taking || (view.is_busy && view.has_rings && how);
		break;
	case 10:
		view.is_busy = false;
		break;
	case 11:
		view.is_online = how;
		break;
	case 12:
		view.is_evicted = true;
		break;
	case 13:
		view.is_leaving = true;
		break;
	case 14: /* other rings than those we have */
		view.has_moved_on = view.has_rings;
		break;
	default: /* any number is a state that a guest may write */
		view.frontend = static_cast<State>((what & 7) == 7 ? what : what & 7);
		view.has_failed = false;
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	SessionView view;

	for (size_t i = 0; i < size; i++) {
		happens(view, data[i]);

		u32 steps = 0;

		for (Step step; (step = next_step(view)) != Step::rest; steps++) {
			TBK_ASSERT(steps < most_steps);
			check_step(view, step);
			take(view, step, (data[i] & 0x80) != 0);
		}
		TBK_ASSERT(!view.is_busy || view.has_rings);
	}
	return 0;
}
