/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <span>
#include <string>

#include "frontend.h"

namespace hostile {

/* What is left of the attacker's disk, for the scenario to look at in dom0. */
enum class Leaves : u8 {
	nothing, /* no word in xenstore's error node */
	error,	 /* one */
	no_disk, /* the disk itself is gone: nothing can follow */
};

/*
 * One thing that no honest guest does. Starts from any state of the disk; what
 * it answers is empty, or says how the backend reacted as it must not.
 */
struct Attack {
	const char *name;
	const char *sentence;
	Leaves leaves;
	std::string (*run)(Frontend &frontend);
};

extern const std::span<const Attack> ring_attacks, race_attacks, xenstore_attacks, state_attacks;

} // namespace hostile
