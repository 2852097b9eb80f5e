// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include "verbs.h"

namespace thinback::tool {

void verb_create(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const Name volume = parse_volume(object);
		thinback_command command = command_for(volume);

		command.bytes = parse_size(session.options.size, object);
		if (command.bytes == 0)
			throw Failure(Exit::usage, object, "a volume of no size is of no use");
		session.kernel.run(THINBACK_CREATE, command, object);
		session.say(text_of(command.path));
		session.report_entry(volume);
	}
}

void verb_snapshot(Session &session)
{
	const std::string &object = session.options.objects.at(0);
	const Name snapshot = parse_snapshot(object);
	thinback_command command = command_for(snapshot);

	session.kernel.run(THINBACK_SNAPSHOT_CREATE, command, object);
	session.say(object);
	session.report_entry(snapshot);
}

void verb_clone(Session &session)
{
	const Options &options = session.options;
	const Name snapshot = parse_snapshot(options.objects.at(0));
	const std::string &first = options.objects.at(1);
	const std::uint64_t bytes = options.size.empty() ? 0 : parse_size(options.size, first);

	for (std::size_t i = 1; i < options.objects.size(); i++) {
		const std::string &object = options.objects[i];
		const Name clone = parse_volume(object);
		thinback_command command = command_for(snapshot);

		if (clone.pool != snapshot.pool)
			throw Failure(Exit::usage, object,
				      fmt::format("a clone lives in the pool of its snapshot, {}",
						  snapshot.pool));
		set_text(command.target, clone.volume);
		command.bytes = bytes;
		session.kernel.run(THINBACK_CLONE, command, object);
		session.say(text_of(command.path));
		session.report_entry(clone);
	}
}

namespace {

/* Only a volume with something of its own is worth a question; nobody there is a yes. */
void ask_to_remove(Session &session, const Name &name)
{
	if (name.kind == Kind::snapshot || session.options.yes || !session.world.can_ask)
		return;

	const Entry entry = find_entry(session.kernel, name);
	std::string what = name.text();

	if (entry.object.own == 0 && entry.snapshots == 0)
		return;
	what += fmt::format(", {} of its own", format_size(entry.object.own));
	if (entry.snapshots != 0 && session.options.recursive)
		what += fmt::format(", and {} snapshot{}", entry.snapshots,
				    entry.snapshots == 1 ? "" : "s");
	if (!session.confirm(fmt::format("remove {}?", what), true))
		throw Failure(Exit::failed, name.text(), "not confirmed");
}

void settle(Session &session, const std::string &pool)
{
	thinback_command command = command_for(parse_pool(pool));

	session.kernel.run(THINBACK_SETTLE, command, pool);
}

} // namespace

void verb_remove(Session &session)
{
	std::vector<std::string> pools;

	for (const std::string &object : session.options.objects) {
		const Name name = parse_volume_or_snapshot(object);
		thinback_command command =
			command_for(name, session.options.recursive ? THINBACK_RECURSIVE : 0);

		ask_to_remove(session, name);
		session.kernel.run(THINBACK_REMOVE, command, object);
		note(session.report.removed, object);
		session.say(fmt::format("{} removed", object));
		if (pools.empty() || pools.back() != name.pool)
			pools.push_back(name.pool);
	}
	/* All are on their way before the first is waited for. */
	if (session.options.wait)
		for (const std::string &pool : pools)
			settle(session, pool);
}

void verb_map(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const Name name = parse_volume_or_snapshot(object);
		thinback_command command = command_for(name);

		session.kernel.run(THINBACK_MAP, command, object);
		session.print(text_of(command.path) + "\n");
		session.report_entry(name);
	}
}

void verb_unmap(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const Name name = parse_volume_or_snapshot(object);
		thinback_command command = command_for(name);

		session.kernel.run(THINBACK_UNMAP, command, object);
		session.say(fmt::format("{} unmapped", object));
		session.report_entry(name);
	}
}

} // namespace thinback::tool
