/* SPDX-License-Identifier: GPL-2.0 */
/* From words to Options. */
#pragma once

#include <string>
#include <vector>

#include "session.h"

namespace CLI {
class App;
}

namespace thinback::tool {

/* One verb: what the help says, what it takes, what it does. */
struct Verb {
	const char *name;
	const char *form;
	const char *summary; /* empty: not in the help */
	void (*declare)(CLI::App &app, Options &options);
	void (*run)(Session &session);
};

const std::vector<Verb> &verbs();

/* The outcome of reading the command line. */
struct Command {
	const Verb *verb = nullptr; /* null: print @help and end */
	Options options;
	std::string help;
	std::string problem; /* what is wrong with the words; empty if nothing is */
	std::string hint;
};

Command parse_command_line(int argc, const char *const *argv);

/* help.cc */
std::string general_help();
std::string verb_help(const CLI::App &app, const Verb &verb);
/* The verb that @word was meant to be, or empty. */
std::string nearest_verb(const std::string &word);

} // namespace thinback::tool
