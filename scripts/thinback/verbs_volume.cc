// SPDX-License-Identifier: GPL-2.0
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "verbs.h"

namespace thinback::tool {
namespace {

/* Of CREATE. */
unsigned int sector_flag(const std::string &size, const std::string &object)
{
	if (size != "512" && size != "4096")
		throw Failure(Exit::usage, object,
			      fmt::format("a sector has 512 or 4096 bytes, not {}", size),
			      "without --sector-size it has 512, as every guest can use");
	return size == "4096" ? THINBACK_LARGE_SECTORS : 0;
}

} // namespace

void verb_create(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const Name volume = parse_volume(object);
		thinback_command command =
			command_for(volume, sector_flag(session.options.sector_size, object));

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

void verb_rename(Session &session)
{
	const std::string &object = session.options.objects.at(0);
	const std::string &wanted = session.options.objects.at(1);
	const Name from = parse_volume_or_snapshot(object);
	const Name to = parse_volume_or_snapshot(wanted);
	thinback_command command = command_for(from);

	if (to.kind != from.kind || to.pool != from.pool ||
	    (from.kind == Kind::snapshot && to.volume != from.volume))
		throw Failure(Exit::usage, wanted,
			      from.kind == Kind::snapshot ? "a snapshot stays with its volume"
							  : "a volume stays in its pool",
			      fmt::format("the form is: thinback rename {} {}", object,
					  from.kind == Kind::snapshot
						  ? from.pool + "/" + from.volume + "@NEW"
						  : from.pool + "/NEW"));
	set_text(command.target, from.kind == Kind::snapshot ? to.snapshot : to.volume);
	session.kernel.run(THINBACK_RENAME, command, object);
	session.say(fmt::format("{} is {} now", object, wanted));
	session.report_entry(to);
}

namespace {

/* Of the snapshot that keeps what a rollback replaces; told by the time, in UTC. */
std::string name_of_before(std::time_t now)
{
	return fmt::format("before-rollback-{:%Y%m%d-%H%M%S}", fmt::gmtime(now));
}

} // namespace

void verb_rollback(Session &session)
{
	const std::string &object = session.options.objects.at(0);
	const Name snapshot = parse_snapshot(object);
	Name volume = snapshot;
	thinback_command command = command_for(snapshot);

	volume.kind = Kind::volume;
	volume.snapshot.clear();
	if (!session.options.discard)
		set_text(command.target, name_of_before(session.world.system.now()));
	else if (!session.options.yes && session.world.can_ask &&
		 !session.confirm(fmt::format("lose what {} holds now?", volume.text()), true))
		throw Failure(Exit::failed, object, "not confirmed");
	session.kernel.run(THINBACK_ROLLBACK, command, object);
	session.say(fmt::format("{} is what it was at {}", volume.text(), object));
	if (!session.options.discard)
		session.say(fmt::format("what it was before: {}@{}", volume.text(),
					text_of(command.target)));
	session.report_entry(volume);
}

void verb_resize(Session &session)
{
	const std::string &object = session.options.objects.at(0);
	const Name volume = parse_volume(object);
	thinback_command command =
		command_for(volume, session.options.shrink ? THINBACK_SHRINK : 0);

	command.bytes = parse_size(session.options.objects.at(1), object);
	if (command.bytes == 0)
		throw Failure(Exit::usage, object, "a volume of no size is of no use");
	session.kernel.run(THINBACK_RESIZE, command, object);
	session.say(fmt::format("{} has {} now", object, format_size(command.bytes)));
	session.report_entry(volume);
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
