// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <istream>
#include <ostream>
#include <utility>

namespace thinback::tool {

Session::Session(World &its_world, Options its_options)
	: world(its_world), options(std::move(its_options)), kernel(its_world.control)
{
}

void Session::say(const std::string &line)
{
	if (!options.quiet)
		print(line + "\n");
}

void Session::print(const std::string &text)
{
	if (!options.json)
		world.out << text << std::flush;
}

bool Session::confirm(const std::string &question, bool otherwise)
{
	std::string answer;

	if (options.yes)
		return true;
	if (!world.can_ask)
		return otherwise;
	world.err << question << " [y/N] " << std::flush;
	std::getline(world.in, answer);
	return answer == "y" || answer == "Y" || answer == "yes";
}

std::string Session::size_text(std::uint64_t bytes) const
{
	return format_size(bytes, options.bytes);
}

void Session::report_entry(const Name &name)
{
	if (options.json)
		report.add(find_entry(kernel, name));
}

} // namespace thinback::tool
