// SPDX-License-Identifier: GPL-2.0
/* States in any order. */
#include <stdlib.h>

#include "attack.h"

namespace hostile {
namespace {

std::string unknown_states(Frontend &frontend)
{
	std::string wrong;

	for (const char *state : { "7", "99", "4294967295" }) {
		if (!frontend.connect())
			return "no connection; " + wrong;
		frontend.set("state", state);
		if (!frontend.backend_enters(State::closing))
			wrong += "state " + std::string(state) + " is not refused; ";
	}
	return wrong;
}

/* From each state to each other, with the ring as it was. */
std::string jumps(Frontend &frontend)
{
	for (u32 from = 1; from <= 6; from++) {
		for (u32 to = 1; to <= 6; to++) {
			if (!frontend.restart())
				return "the disk does not come back from state " +
				       std::to_string(from);
			frontend.describe();
			frontend.enter(static_cast<State>(from));
			sleep_ms(to * 3);
			frontend.enter(static_cast<State>(to));
			sleep_ms(from * 3);
		}
	}
	return "";
}

std::string random_states(Frontend &frontend)
{
	unsigned seed = 4;

	if (!frontend.restart())
		return "the disk does not come back";
	frontend.describe();
	for (unsigned i = 0; i < 2000; i++) {
		frontend.enter(static_cast<State>(1 + rand_r(&seed) % 6));
		if (i % 16 == 0)
			sleep_ms(5);
	}
	return "";
}

/* Another ring without having closed the first: its page is no longer touched. */
std::string no_goodbye(Frontend &frontend)
{
	for (unsigned i = 0; i < 20; i++) {
		if (!frontend.connect())
			return "no connection";
		frontend.enter(State::initialising);
		if (!frontend.backend_enters(State::init_wait))
			return "does not start anew without a close";
	}
	return "";
}

/* As many as data/reconnects says: dom0 has set that before. */
std::string reconnects(Frontend &frontend)
{
	const std::string times = frontend.store().read("data/reconnects");

	if (times.empty())
		return "how often is not said";
	for (int i = 0; i < atoi(times.c_str()); i++) {
		if (!frontend.connect())
			return "no connection after " + std::to_string(i);
	}
	return "";
}

/* The object in dom0 goes, with a ring in use. */
std::string vanishes(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";
	frontend.erase("state");
	sleep_ms(1000);
	return "";
}

constexpr Attack table[] = {
	{ "unknown-states", "states that do not exist", Leaves::error, unknown_states },
	{ "jumps", "from each state to each other", Leaves::nothing, jumps },
	{ "random-states", "2000 states in any order, faster than they are seen", Leaves::nothing,
	  random_states },
	{ "no-goodbye", "starts anew without a close", Leaves::nothing, no_goodbye },
	{ "reconnects", "as many connections as it is told to make", Leaves::nothing, reconnects },
	{ "vanishes", "the frontend's state is removed under a ring", Leaves::no_disk, vanishes },
};

} // namespace

const std::span<const Attack> state_attacks = table;

} // namespace hostile
