// SPDX-License-Identifier: GPL-2.0
/* What --help prints. CLI11's own layout leaves the forms of names out. */
#include <algorithm>
#include <numeric>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli.h"

namespace thinback::tool {

namespace {

constexpr const char *global_options = R"(Options of every verb:
  -J, --json              results and errors as JSON
  -b, --bytes             sizes as numbers of bytes
  -q, --quiet             say nothing about what was done
  -v, --verbose           say more about what failed
  -y, --yes               take every question as answered with yes
  -h, --help              print this, or the help of a verb
)";

std::string option_line(const CLI::Option &option)
{
	std::string names;

	for (const std::string &name : option.get_snames())
		names += (names.empty() ? "-" : ", -") + name;
	for (const std::string &name : option.get_lnames())
		names += (names.empty() ? "--" : ", --") + name;
	if (option.get_type_size() != 0)
		names += " " + option.get_type_name();
	return fmt::format("  {:<22}  {}\n", names, option.get_description());
}

/* Changes of one character that lead from one word to the other. */
std::size_t distance(const std::string &a, const std::string &b)
{
	std::vector<std::size_t> row(b.size() + 1);

	std::iota(row.begin(), row.end(), std::size_t{ 0 });
	for (std::size_t i = 0; i < a.size(); i++) {
		std::size_t diagonal = row[0]++;

		for (std::size_t j = 0; j < b.size(); j++) {
			const std::size_t replace = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = std::min({ row[j] + 1, row[j + 1] + 1, replace });
		}
	}
	return row.back();
}

} // namespace

std::string general_help()
{
	std::string text = "thinback - copy-on-write disks for Xen guests\n\n"
			   "usage: thinback VERB OBJECT... [OPTIONS]\n\n";

	for (const Verb &verb : verbs())
		if (verb.summary[0] != '\0')
			text += fmt::format("  {:<10}{}\n", verb.name, verb.summary);
	return text +
	       "\nObjects: /dev/sdb3 a device, tank a pool, tank/web17 a volume,\n"
	       "tank/web17@monday a snapshot. Sizes: 512M, 4G, 4GiB, or bytes.\n\n" +
	       global_options +
	       "\nthinback VERB --help tells more about one, thinback(8) about all.\n";
}

std::string verb_help(const CLI::App &app, const Verb &verb)
{
	std::string text = fmt::format("usage: thinback {}\n", verb.form);
	std::string options;

	if (verb.summary[0] != '\0')
		text += fmt::format("\n{}\n", verb.summary);
	for (const CLI::Option *option : app.get_options())
		if (option->nonpositional() && option != app.get_help_ptr())
			options += option_line(*option);
	if (!options.empty())
		text += "\nOptions:\n" + options;
	return text + "\n" + global_options;
}

std::string nearest_verb(const std::string &word)
{
	/* More than half of a short word wrong is another word. */
	std::size_t least = std::min<std::size_t>(3, word.size() / 2 + 1);
	std::string nearest;

	for (const Verb &verb : verbs()) {
		const std::size_t steps = distance(word, verb.name);

		if (verb.summary[0] != '\0' && steps < least) {
			least = steps;
			nearest = verb.name;
		}
	}
	return nearest;
}

} // namespace thinback::tool
