/* SPDX-License-Identifier: GPL-2.0 */
/* One run of the program: what was asked, and how to answer. */
#pragma once

#include <string>
#include <vector>

#include "report.h"
#include "size.h"
#include "world.h"

namespace thinback::tool {

/* The command line; a verb sets those that it takes. */
struct Options {
	bool json = false;
	bool bytes = false;
	bool quiet = false;
	bool verbose = false;
	bool yes = false;

	std::vector<std::string> objects;
	std::string name;
	std::string size;
	std::string sector_size = "512";
	std::string columns;
	std::string sort;
	bool force = false;
	bool read_only = false;
	bool recursive = false;
	bool snapshots = false;
	bool udev = false;
	bool wait = false;
	bool stop = false;
	bool shrink = false;
	bool discard = false;
	bool repair = false;
	std::string output;
	bool drop_damaged = false;
	std::string interval = "2";
	std::string count;

	std::string mode;
	std::string guest;
	std::string create;
};

class Session {
public:
	Session(World &its_world, Options its_options);

	/* A line about what was done: neither for -q nor for -J. */
	void say(const std::string &line);
	/* What was asked for: not for -J, which prints the report. */
	void print(const std::string &text);
	/* Ask, if somebody is there to answer; -y is a yes. @otherwise: the answer of nobody. */
	bool confirm(const std::string &question, bool otherwise);
	/* For people, or with -b for programs. */
	std::string size_text(std::uint64_t bytes) const;
	/* Put the volume or snapshot into the report as it is now, if that is printed. */
	void report_entry(const Name &name);

	World &world;
	const Options options;
	Kernel kernel;
	Report report;
	int status = 0;		  /* of a run that did all it should */
	bool is_answered = false; /* what was asked for is JSON, and printed */
};

} // namespace thinback::tool
