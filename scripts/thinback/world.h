/* SPDX-License-Identifier: GPL-2.0 */
/* All that the program touches outside itself; tests pass another one. */
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <iosfwd>
#include <string>

#include "control.h"
#include "core.h"
#include "terminal.h"

namespace thinback::tool {

/* Files and block devices of this machine. */
class System {
public:
	virtual ~System() = default;

	/* open(2). A descriptor or a negative errno. */
	virtual int open(const std::string &path, int flags);
	/* Seconds since 1970. */
	virtual std::time_t now();
	/* A moment, before something is looked at again. */
	virtual void pause();
	/* Nanoseconds of a clock that nobody sets. */
	virtual std::uint64_t ticks() const;
	virtual void sleep(std::uint64_t ns);

	std::filesystem::path sysfs = "/sys";
	std::filesystem::path proc = "/proc";
};

struct World {
	Control &control;
	Core &core;
	System &system;
	std::istream &in;
	std::ostream &out;
	std::ostream &err;
	/* Somebody sits at both input and error output and can be asked. */
	bool can_ask = false;
	/* Where somebody sits at both input and output; borrowed, may be null. */
	Terminal *terminal = nullptr;
	/* Progress may be drawn on the error output. */
	bool can_draw = false;
};

/* The program. Returns its exit status; throws nothing. */
int run(int argc, const char *const *argv, World &world);

} // namespace thinback::tool
