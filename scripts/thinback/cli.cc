// SPDX-License-Identifier: GPL-2.0
/* With help.cc the only file that sees CLI11, which takes seconds to compile. */
#include "cli.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "verbs.h"

namespace thinback::tool {

namespace {

constexpr int any = -1; /* one or more */

/* @most: how many words; any for no limit. At least one is needed. */
void take_objects(CLI::App &app, Options &options, const char *what, int most)
{
	CLI::Option *option = app.add_option(what, options.objects)->required();

	if (most == any)
		option->expected(1, 1 << 30);
	else
		option->expected(most);
}

void declare_format(CLI::App &app, Options &options)
{
	take_objects(app, options, "DEVICE", 1);
	app.add_option("--name", options.name, "name of the pool")->type_name("POOL")->required();
	app.add_flag("--force", options.force, "overwrite what the device holds");
}

void declare_attach(CLI::App &app, Options &options)
{
	take_objects(app, options, "DEVICE", any);
	app.add_flag("--read-only", options.read_only, "write nothing to the device");
}

void declare_pools(CLI::App &app, Options &options)
{
	take_objects(app, options, "POOL", any);
}

void declare_scrub(CLI::App &app, Options &options)
{
	take_objects(app, options, "POOL", any);
	CLI::Option *wait = app.add_flag("--wait", options.wait, "until it is done");

	app.add_flag("--stop", options.stop, "end the one that is under way")->excludes(wait);
}

void declare_sync(CLI::App &app, Options &options)
{
	app.add_option("POOL", options.objects)->expected(0, 1 << 30);
}

void declare_list(CLI::App &app, Options &options)
{
	app.add_option("OBJECT", options.objects)->expected(0, 1);
	app.add_option("-o,--output", options.columns, "columns to show, as name,own")
		->type_name("COLUMNS");
	app.add_option("--sort", options.sort, "column to sort by")->type_name("COLUMN");
	app.add_flag("--snapshots", options.snapshots,
		     "snapshots too, also removed ones that clones need");
}

void declare_top(CLI::App &app, Options &options)
{
	app.add_option("OBJECT", options.objects)->expected(0, 1 << 30);
	app.add_option("--interval", options.interval, "between two looks, 2 unless said otherwise")
		->type_name("SECONDS");
	app.add_option("--count", options.count, "how often, instead of without end")
		->type_name("N");
	app.add_option("--sort", options.sort, "column to sort by")->type_name("COLUMN");
}

void declare_create(CLI::App &app, Options &options)
{
	take_objects(app, options, "POOL/VOLUME", any);
	app.add_option("--size", options.size, "as 512M or 4G")->type_name("SIZE")->required();
	app.add_option("--sector-size", options.sector_size,
		       "of the disk that it is, 512 if not told")
		->type_name("512|4096");
}

void declare_snapshot(CLI::App &app, Options &options)
{
	take_objects(app, options, "POOL/VOLUME@SNAP", 1);
}

void declare_clone(CLI::App &app, Options &options)
{
	/* One list: two positional options would take the words in an order of their own. */
	app.add_option("POOL/VOLUME@SNAP", options.objects)->required()->expected(2, 1 << 30);
	app.add_option("--size", options.size, "larger than the snapshot's")->type_name("SIZE");
}

void declare_remove(CLI::App &app, Options &options)
{
	take_objects(app, options, "NAME", any);
	app.add_flag("--recursive", options.recursive, "the volume's snapshots too");
	app.add_flag("--wait", options.wait, "until the space is free again");
}

void declare_rename(CLI::App &app, Options &options)
{
	take_objects(app, options, "NAME", 2);
}

void declare_rollback(CLI::App &app, Options &options)
{
	take_objects(app, options, "POOL/VOLUME@SNAP", 1);
	app.add_flag("--discard", options.discard, "do not keep what the volume was");
}

void declare_resize(CLI::App &app, Options &options)
{
	take_objects(app, options, "POOL/VOLUME", 2);
	app.add_flag("--shrink", options.shrink, "cut off what is past the new end");
}

void declare_set(CLI::App &app, Options &options)
{
	app.add_option("OBJECT", options.objects)->required()->expected(2, 1 << 30);
}

void declare_names(CLI::App &app, Options &options)
{
	take_objects(app, options, "NAME", any);
}

void declare_check(CLI::App &app, Options &options)
{
	take_objects(app, options, "DEVICE", 1);
	CLI::Option *repair = app.add_flag("--repair", options.repair, "mend what can be mended");

	app.add_flag("--drop-damaged", options.drop_damaged, "give up what cannot be read")
		->needs(repair);
	app.add_option("--name", options.name, "of a pool whose superblocks are all lost")
		->type_name("POOL")
		->needs(repair);
}

void declare_dump(CLI::App &app, Options &options)
{
	take_objects(app, options, "DEVICE", 1);
	app.add_option("-o,--output", options.output, "where to write it, instead of here")
		->type_name("FILE");
}

void declare_restore(CLI::App &app, Options &options)
{
	take_objects(app, options, "DUMP DEVICE", 2);
	app.add_flag("--force", options.force,
		     "replace what the device holds; go without what the dump lacks");
}

void declare_probe(CLI::App &app, Options &options)
{
	take_objects(app, options, "DEVICE", 1);
	app.add_flag("--udev", options.udev, "as properties for a udev rule");
}

void declare_nothing(CLI::App &, Options &)
{
}

void declare_hotplug(CLI::App &app, Options &options)
{
	take_objects(app, options, "PARAMS", 2);
	app.add_option("--mode", options.mode)->type_name("r|w|!");
	app.add_option("--guest", options.guest)->type_name("ID");
	app.add_option("--create", options.create)->type_name("yes|no");
}

void declare_globals(CLI::App &app, Options &options)
{
	app.add_flag("-J,--json", options.json, "results and errors as JSON");
	app.add_flag("-b,--bytes", options.bytes, "sizes as numbers of bytes");
	app.add_flag("-q,--quiet", options.quiet, "say nothing about what was done");
	app.add_flag("-v,--verbose", options.verbose, "say more about what failed");
	app.add_flag("-y,--yes", options.yes, "take every question as answered with yes");
}

bool is_verb(const std::string &word)
{
	return std::any_of(verbs().begin(), verbs().end(),
			   [&](const Verb &verb) { return verb.name == word; });
}

/* Global options take no values, so the first word that is no option is the verb. */
std::string first_word(int argc, const char *const *argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			return argv[i];
	return {};
}

/* Options that are known even if the rest of the line makes no sense. */
void read_output_options(int argc, const char *const *argv, Options &options)
{
	for (int i = 1; i < argc; i++) {
		const std::string word = argv[i];

		if (word == "-J" || word == "--json")
			options.json = true;
	}
}

/* An option that is not known; CLI11 complains first of what is missing for that. */
std::string unknown_option(const CLI::App &app)
{
	for (const std::string &word : app.remaining(true))
		if (word.size() > 1 && word[0] == '-')
			return word;
	return {};
}

/* CLI11's messages, with the class's name in front of some, in our words. */
std::string problem_text(const CLI::App &app, const CLI::ParseError &error, const Verb *verb)
{
	const std::string all = error.what();
	const std::string unknown = unknown_option(app);

	if (!unknown.empty())
		return "not understood: " + unknown;
	if (verb && dynamic_cast<const CLI::RequiredError *>(&error) &&
	    all.find(" is required") != std::string::npos)
		return all.substr(0, all.find(" is required")) + " is missing";
	if (verb && all.find("--") == std::string::npos &&
	    (dynamic_cast<const CLI::ArgumentMismatch *>(&error) ||
	     dynamic_cast<const CLI::RequiredError *>(&error)))
		return fmt::format("the form is: thinback {}", verb->form);
	if (dynamic_cast<const CLI::ExtrasError *>(&error))
		return "not understood: " + all.substr(std::min(all.find(": ") + 2, all.size()));
	return all;
}

const Verb *chosen_verb(const CLI::App &app)
{
	for (const Verb &verb : verbs())
		if (app.got_subcommand(verb.name))
			return &verb;
	return nullptr;
}

void build(CLI::App &app, Options &options)
{
	declare_globals(app, options);
	for (const Verb &verb : verbs()) {
		CLI::App *sub = app.add_subcommand(verb.name)->fallthrough();

		sub->set_help_flag("-h,--help", "print this");
		verb.declare(*sub, options);
	}
	app.set_help_flag("-h,--help", "print this");
}

} // namespace

const std::vector<Verb> &verbs()
{
	static const std::vector<Verb> all = {
		{ "format", "format DEVICE --name POOL [--force]", "make an empty pool on a device",
		  declare_format, verb_format },
		{ "attach", "attach DEVICE... [--read-only]", "take the pool on a device into use",
		  declare_attach, verb_attach },
		{ "detach", "detach POOL...", "let go of a pool", declare_pools, verb_detach },
		{ "list", "list [POOL[/VOLUME[@SNAP]]] [-o COLUMNS] [--sort COLUMN] [--snapshots]",
		  "pools, or what is in one", declare_list, verb_list },
		{ "top", "top [POOL[/VOLUME]...] [--interval SECONDS] [--count N] [--sort COLUMN]",
		  "what volumes are doing, again and again", declare_top, verb_top },
		{ "create", "create POOL/VOLUME... --size SIZE [--sector-size 512|4096]",
		  "make an empty volume", declare_create, verb_create },
		{ "snapshot", "snapshot POOL/VOLUME@SNAP", "keep a volume as it is now",
		  declare_snapshot, verb_snapshot },
		{ "clone", "clone POOL/VOLUME@SNAP POOL/NEW... [--size SIZE]",
		  "make volumes that start as a snapshot", declare_clone, verb_clone },
		{ "remove", "remove POOL/VOLUME[@SNAP]... [--recursive] [--wait]",
		  "remove volumes or snapshots", declare_remove, verb_remove },
		{ "rename", "rename POOL/VOLUME[@SNAP] POOL/NEW[@SNAP]",
		  "give a volume or a snapshot another name", declare_rename, verb_rename },
		{ "rollback", "rollback POOL/VOLUME@SNAP [--discard]",
		  "make a volume what it was at a snapshot", declare_rollback, verb_rollback },
		{ "resize", "resize POOL/VOLUME SIZE [--shrink]", "change the size of a volume",
		  declare_resize, verb_resize },
		{ "grow", "grow POOL...", "take up what a pool's device has gained", declare_pools,
		  verb_grow },
		{ "set",
		  "set POOL/VOLUME [quota=SIZE] [reserve=SIZE] [on-full=error|wait:SECONDS|pause] "
		  "[detect-zeroes=on|off], "
		  "set POOL [low=N%] [critical=N%] [discard=on|off] [scrub-freed=on|off] "
		  "[discard-rate=SIZE]",
		  "say what may fill a pool, and when it has little left", declare_set, verb_set },
		{ "map", "map POOL/VOLUME[@SNAP]...", "make the device node, and print its path",
		  declare_names, verb_map },
		{ "unmap", "unmap POOL/VOLUME[@SNAP]...", "remove the device node", declare_names,
		  verb_unmap },
		{ "sync", "sync [POOL...]", "write out all that has been acknowledged",
		  declare_sync, verb_sync },
		{ "scrub", "scrub POOL... [--wait | --stop]",
		  "verify a pool's metadata while it is in use", declare_scrub, verb_scrub },
		{ "check", "check DEVICE [--repair [--drop-damaged] [--name POOL]]",
		  "verify a pool that is not attached", declare_check, verb_check },
		{ "dump", "dump DEVICE [-o FILE]", "write out a pool's metadata as JSON",
		  declare_dump, verb_dump },
		{ "restore", "restore DUMP DEVICE [--force]",
		  "make the pool of a dump, beside its data", declare_restore, verb_restore },
		{ "probe", "probe DEVICE [--udev]", "tell whether a device holds a pool",
		  declare_probe, verb_probe },
		{ "version", "version", "of this program and of the module", declare_nothing,
		  verb_version },
		{ "hotplug", "hotplug add|remove PARAMS", "", declare_hotplug, verb_hotplug },
	};

	return all;
}

Command parse_command_line(int argc, const char *const *argv)
{
	Command command;
	CLI::App app;
	const std::string word = first_word(argc, argv);

	read_output_options(argc, argv, command.options);
	if (!word.empty() && !is_verb(word)) {
		const std::string meant = nearest_verb(word);

		command.problem = fmt::format("there is no verb '{}'", word);
		command.hint = meant.empty() ? "verbs: thinback --help"
					     : fmt::format("did you mean: thinback {}", meant);
		return command;
	}
	build(app, command.options);
	try {
		app.parse(argc, argv);
	} catch (const CLI::CallForHelp &) {
		const Verb *verb = chosen_verb(app);

		command.help =
			verb ? verb_help(*app.get_subcommand(verb->name), *verb) : general_help();
		return command;
	} catch (const CLI::ParseError &error) {
		command.verb = chosen_verb(app);
		command.problem = problem_text(app, error, command.verb);
	}
	if (command.problem.empty()) {
		command.verb = chosen_verb(app);
		if (!command.verb)
			command.problem = "a verb is missing";
	}
	if (!command.problem.empty())
		command.hint =
			fmt::format("thinback {}--help",
				    command.verb ? std::string(command.verb->name) + " " : "");
	return command;
}

} // namespace thinback::tool
