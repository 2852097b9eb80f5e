// SPDX-License-Identifier: GPL-2.0
#include <cerrno>
#include <cstring>
#include <exception>
#include <ostream>
#include <sstream>

#include <fmt/format.h>

#include "cli.h"

namespace thinback::tool {

namespace {

bool is_check(const Command &command)
{
	return command.verb && std::string(command.verb->name) == "check";
}

int exit_status(const Command &command, Exit exit)
{
	if (!is_check(command))
		return static_cast<int>(exit);
	return static_cast<int>(exit == Exit::usage ? CheckExit::usage : CheckExit::failed);
}

/* "remove tank/web17"; a guest's administrator did not say hotplug. */
std::string deed(const Command &command, const std::string &object)
{
	const std::string verb = command.verb->name;

	if (verb == "hotplug")
		return fmt::format("connect {} to guest {}", object, command.options.guest);
	return verb + (object.empty() ? "" : " ") + object;
}

/* "cannot remove tank/web17: in use by guest 12" */
std::string sentence(const Command &command, const Failure &failure)
{
	if (!command.problem.empty() || !command.verb)
		return failure.reason;
	return fmt::format("cannot {}: {}", deed(command, failure.object), failure.reason);
}

int fail(const Command &command, const Failure &failure, World &world)
{
	const int status = exit_status(command, failure.exit);
	const std::string message = sentence(command, failure);
	std::istringstream hints(failure.hint);
	std::string hint;

	if (command.options.json) {
		world.err << json_of(failure, message, status) << std::flush;
		return status;
	}
	world.err << "thinback: " << message << "\n";
	while (std::getline(hints, hint))
		world.err << "  " << hint << "\n";
	if (command.options.verbose && failure.error != 0)
		world.err << fmt::format("  error {}: {}\n", failure.error,
					 strerror(failure.error));
	world.err << std::flush;
	return status;
}

int run_verb(const Command &command, World &world)
{
	Session session(world, command.options);
	int failed = 0;

	try {
		command.verb->run(session);
	} catch (const Failure &failure) {
		failed = fail(command, failure, world);
	}
	/* Of several objects, what was done before one failed is told as well. */
	if (command.options.json && !session.is_answered &&
	    (failed == 0 || !session.report.empty()))
		world.out << json_of(command.verb->name, session.report) << std::flush;
	return failed != 0 ? failed : session.status;
}

} // namespace

int run(int argc, const char *const *argv, World &world)
{
	Command command;

	try {
		command = parse_command_line(argc, argv);
		if (!command.problem.empty())
			return fail(command,
				    Failure(Exit::usage, {}, command.problem, command.hint), world);
		if (!command.verb) {
			world.out << command.help << std::flush;
			return 0;
		}

		const int status = run_verb(command, world);

		/* A list that went to a full disk is no success. */
		if (status == 0 && !world.out)
			return fail(command,
				    Failure(Exit::failed, {}, "the output cannot be written"),
				    world);
		return status;
	} catch (const std::exception &error) {
		return fail(command, Failure(Exit::failed, {}, error.what()), world);
	}
}

} // namespace thinback::tool
