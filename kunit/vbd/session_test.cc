// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/vbd/session.h"

#include "../harness/check.h"

using namespace thinback;
using xen::State;

namespace {

constexpr u32 many = 20;

/* A disk whose steps all succeed at once, but for requests, which end when told. */
class Disk {
public:
	Disk() { view.has_target = true; }

	/* Takes all steps there are; false if that never ends. */
	bool settle()
	{
		for (u32 i = 0; i < many; i++) {
			const Step step = next_step(view);

			if (step == Step::rest)
				return true;
			take(step);
		}
		return false;
	}

	State seen(State frontend)
	{
		view.frontend = frontend;
		settle();
		return view.own;
	}

	SessionView view;
	u32 offers = 0;
	u32 connections = 0;
	u32 refusals = 0;

private:
	void take(Step step)
	{
		switch (step) {
		case Step::rest:
			break;
		case Step::offer:
			offers++;
			view.own = State::init_wait;
			break;
		case Step::connect:
			connections++;
			view.has_moved_on = false;
			view.own = State::connected;
			view.has_rings = view.is_taking = true;
			break;
		case Step::stop:
			view.is_taking = false;
			break;
		case Step::release:
			view.has_rings = false;
			break;
		case Step::enter_closing:
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
			if (view.own == State::closed)
				view.own = State::closing;
			break;
		case Step::refuse:
			refusals++;
			view.own = State::closing;
			break;
		}
	}
};

Disk connected_disk()
{
	Disk disk;

	disk.seen(State::initialising);
	disk.seen(State::connected);
	return disk;
}

} // namespace

TBK_TEST(linux_frontend_connects_and_closes)
{
	Disk disk;

	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(disk.seen(State::initialised) == State::connected);
	CHECK(disk.seen(State::connected) == State::connected);
	CHECK_EQ(disk.connections, 1u);
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(!disk.view.has_rings && disk.view.has_target && !disk.view.has_departed);
}

TBK_TEST(linux_frontend_may_be_ahead_of_the_target)
{
	Disk disk;

	disk.view.has_target = false;
	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(disk.seen(State::initialised) == State::init_wait);
	disk.view.has_target = true;
	CHECK(disk.seen(State::initialised) == State::connected);
}

TBK_TEST(ovmf_goes_from_initialising_to_connected)
{
	Disk disk;

	CHECK(disk.seen(State::connected) == State::connected);
	CHECK_EQ(disk.offers, 1u);
	CHECK_EQ(disk.connections, 1u);
}

TBK_TEST(ovmf_hands_over_and_connects_again)
{
	Disk disk = connected_disk();

	CHECK(disk.seen(State::closing) == State::closing);
	/* It may still flush. */
	CHECK(disk.view.is_taking);
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(disk.seen(State::initialised) == State::connected);
	CHECK_EQ(disk.connections, 2u);
}

TBK_TEST(frontend_that_went_back_is_connected_anew)
{
	Disk disk = connected_disk();

	disk.view.has_moved_on = disk.view.is_busy = true;
	CHECK(disk.seen(State::initialised) == State::connected);
	CHECK(disk.view.has_rings && !disk.view.is_taking);
	CHECK_EQ(disk.connections, 1u);
	disk.view.is_busy = false;
	CHECK(disk.seen(State::initialised) == State::connected);
	CHECK(disk.view.is_taking);
	CHECK_EQ(disk.connections, 2u);
}

TBK_TEST(grub_stays_initialised_and_starts_over)
{
	Disk disk;

	CHECK(disk.seen(State::initialised) == State::connected);
	CHECK(disk.seen(State::initialised) == State::connected);
	CHECK_EQ(disk.connections, 1u);
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(disk.seen(State::initialising) == State::init_wait);
}

TBK_TEST(windows_closes_before_it_connects)
{
	Disk disk;

	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(disk.seen(State::closing) == State::closing);
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(!disk.view.has_departed);
	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(disk.seen(State::initialised) == State::connected);
}

TBK_TEST(kdump_resets_through_closing)
{
	Disk disk = connected_disk();

	CHECK(disk.seen(State::closing) == State::closing);
	/* Closed was not seen. */
	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(!disk.view.has_rings);
	CHECK(disk.seen(State::initialised) == State::connected);
}

TBK_TEST(frontend_that_starts_over_unseen_is_drained)
{
	Disk disk = connected_disk();

	disk.view.is_busy = true;
	CHECK(disk.seen(State::initialising) == State::connected);
	CHECK(disk.view.has_rings && !disk.view.is_taking);
	disk.view.is_busy = false;
	CHECK(disk.seen(State::initialising) == State::init_wait);
	CHECK(!disk.view.has_rings);
}

TBK_TEST(closed_waits_for_requests_in_flight)
{
	Disk disk = connected_disk();

	disk.view.is_busy = true;
	CHECK(disk.seen(State::closed) == State::connected);
	CHECK(disk.view.has_rings && !disk.view.is_taking);
	disk.view.is_busy = false;
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(!disk.view.has_rings);
}

TBK_TEST(frontend_that_vanishes_takes_the_disk_along)
{
	Disk disk = connected_disk();

	disk.view.is_busy = true;
	CHECK(disk.seen(State::unknown) == State::connected);
	CHECK(disk.view.has_rings && disk.view.has_target);
	disk.view.is_busy = false;
	CHECK(disk.seen(State::unknown) == State::closed);
	CHECK(!disk.view.has_rings && !disk.view.has_target && disk.view.has_departed);
}

TBK_TEST(detach_of_a_connected_disk_closes_the_target)
{
	Disk disk = connected_disk();

	disk.view.is_online = false;
	disk.view.is_evicted = true;
	/* The guest's move. */
	CHECK(disk.seen(State::connected) == State::connected);
	CHECK(disk.view.is_taking);
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(!disk.view.has_target && disk.view.has_departed);
}

TBK_TEST(detach_needs_no_frontend)
{
	Disk disk;

	disk.seen(State::initialising);
	disk.view.is_online = false;
	disk.view.is_evicted = true;
	disk.view.own = State::closing;
	CHECK(disk.seen(State::initialising) == State::closed);
	CHECK(disk.view.has_departed);
}

TBK_TEST(detach_after_closed_writes_closed_again)
{
	Disk disk = connected_disk();

	disk.seen(State::closed);
	disk.view.is_online = false;
	disk.view.is_evicted = true;
	disk.view.own = State::closing;
	CHECK(disk.seen(State::closed) == State::closed);
	CHECK(disk.view.has_departed);
}

TBK_TEST(driver_that_leaves_writes_nothing)
{
	Disk disk = connected_disk();

	disk.view.is_leaving = true;
	disk.view.is_busy = true;
	CHECK(disk.seen(State::connected) == State::connected);
	CHECK(disk.view.has_rings);
	disk.view.is_busy = false;
	CHECK(disk.seen(State::connected) == State::connected);
	CHECK(!disk.view.has_rings && !disk.view.has_target);
}

TBK_TEST(failure_waits_for_the_frontend_to_move)
{
	Disk disk;

	disk.seen(State::initialising);
	disk.view.has_failed = true;
	disk.view.own = State::closing;
	CHECK(disk.seen(State::initialised) == State::closing);
	CHECK_EQ(disk.connections, 0u);
	disk.view.has_failed = false;
	CHECK(disk.seen(State::initialised) == State::connected);
}

TBK_TEST(nonsense_is_refused_once)
{
	Disk disk = connected_disk();

	CHECK(disk.seen(static_cast<State>(99)) == State::closing);
	CHECK(disk.seen(static_cast<State>(7)) == State::closing);
	CHECK(disk.seen(static_cast<State>(~0u)) == State::closing);
	CHECK_EQ(disk.refusals, 1u);
}

namespace {

SessionView view_of(u32 bits, u32 frontend, u32 own)
{
	SessionView view;

	view.frontend = static_cast<State>(frontend);
	view.own = static_cast<State>(own);
	view.has_target = bits & 1;
	view.has_rings = bits & 2;
	view.is_taking = (bits & 6) == 6;
	view.is_busy = (bits & 10) == 10;
	view.has_failed = bits & 16;
	view.is_online = bits & 32;
	view.is_evicted = bits & 64;
	view.is_leaving = bits & 128;
	view.has_departed = bits & 256;
	view.has_moved_on = bits & 512;
	return view;
}

/* All states of the frontend, some out of range. */
bool comes_to_rest(u32 bits, u32 own)
{
	for (u32 frontend = 0; frontend < 10; frontend++) {
		Disk disk;

		disk.view = view_of(bits, frontend, own);
		if (!disk.settle())
			return false;
		/* The one rule that costs data. */
		if (disk.view.own == State::closed && own != 6 && disk.view.has_rings)
			return false;
	}
	return true;
}

} // namespace

TBK_TEST(every_view_comes_to_rest)
{
	for (u32 bits = 0; bits < 1u << 10; bits++) {
		for (u32 own = 1; own < 7; own++)
			CHECK(comes_to_rest(bits, own));
	}
}
