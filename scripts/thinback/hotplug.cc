// SPDX-License-Identifier: GPL-2.0
/*
 * What block-thinback asks for when a guest's disk comes and goes:
 *
 *   thinback hotplug add|remove PARAMS --mode M --guest ID --create yes|no
 *
 * PARAMS is what stands behind target= in the guest's configuration:
 * POOL/VOLUME, or POOL/VOLUME,from=POOL/BASE@SNAP[,size=8G], or POOL/VOLUME@SNAP.
 */
#include <sstream>

#include <fmt/format.h>

#include "verbs.h"

namespace thinback::tool {

namespace {

struct Target {
	Name name;
	std::string from; /* empty: nothing is made */
	std::string size;
};

Target parse_target(const std::string &params)
{
	std::istringstream parts(params);
	std::string part;

	std::getline(parts, part, ',');

	Target target{ parse_volume_or_snapshot(part), {}, {} };

	while (std::getline(parts, part, ',')) {
		if (part.starts_with("from="))
			target.from = part.substr(5);
		else if (part.starts_with("size="))
			target.size = part.substr(5);
		else
			throw Failure(Exit::usage, params,
				      fmt::format("'{}' is neither from= nor size=", part));
	}
	if (target.from.empty() && !target.size.empty())
		throw Failure(Exit::usage, params, "size= is for a clone and needs from=");
	return target;
}

void make_clone(Session &session, const Target &target)
{
	const std::string object = target.name.text();
	const Name snapshot = parse_snapshot(target.from);
	thinback_command command = command_for(snapshot, THINBACK_IF_MISSING);

	if (target.name.kind != Kind::volume || target.name.pool != snapshot.pool)
		throw Failure(Exit::usage, object,
			      fmt::format("a clone is a volume in the pool of its snapshot, {}",
					  snapshot.pool));
	set_text(command.target, target.name.volume);
	if (!target.size.empty())
		command.bytes = parse_size(target.size, object);
	session.kernel.run(THINBACK_CLONE, command, object);
}

std::string map(Session &session, const Target &target, bool could_make)
{
	thinback_command command = command_for(target.name);

	try {
		session.kernel.run(THINBACK_MAP, command, target.name.text());
	} catch (Failure &failure) {
		if (failure.exit == Exit::missing && could_make)
			failure.reason += "; it is not made for a guest that comes from elsewhere";
		throw;
	}
	return text_of(command.path);
}

void add(Session &session, const Target &target)
{
	const bool may_make = session.options.create == "yes";

	if (target.name.kind == Kind::snapshot && session.options.mode != "r")
		throw Failure(Exit::refused, target.name.text(), "a snapshot is read-only",
			      "access=ro in the guest's configuration");
	if (may_make && !target.from.empty())
		make_clone(session, target);
	session.report.path = map(session, target, !target.from.empty() && !may_make);
	session.print(session.report.path + "\n");
}

/*
 * A volume stays mapped: it was before, and other configurations name its node.
 * A snapshot was mapped for the guest alone, unless somebody else has it open.
 */
void remove(Session &session, const Target &target)
{
	thinback_command command = command_for(target.name);

	if (target.name.kind == Kind::snapshot)
		session.kernel.run(THINBACK_UNMAP, command, target.name.text());
}

} // namespace

void verb_hotplug(Session &session)
{
	const std::string &action = session.options.objects.at(0);
	const Target target = parse_target(session.options.objects.at(1));

	if (action == "add")
		add(session, target);
	else if (action == "remove")
		remove(session, target);
	else
		throw Failure(Exit::usage, action, "neither add nor remove");
}

} // namespace thinback::tool
