// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include "progress.h"
#include "verbs.h"
#include "version.h"

namespace thinback::tool {

void verb_attach(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const unsigned int flags = session.options.read_only ? THINBACK_READ_ONLY : 0;
		thinback_command command = command_for(parse_device(object), flags);

		session.kernel.run(THINBACK_ATTACH, command, object);

		const thinback_pool pool = find_pool(session.kernel, text_of(command.pool));

		note(session.report.pools, pool);
		session.say(fmt::format("pool {} attached, {} of {} free", text_of(pool.name),
					session.size_text(pool.free),
					session.size_text(pool.size)));
	}
}

void verb_detach(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const Name pool = parse_pool(object);
		thinback_command command = command_for(pool);

		session.kernel.run(THINBACK_DETACH, command, object);
		note(session.report.detached, object);
		session.say(fmt::format("pool {} detached", object));
	}
}

void verb_sync(Session &session)
{
	std::vector<std::string> names = session.options.objects;

	if (names.empty())
		for (const thinback_pool &pool : session.kernel.pools())
			names.push_back(text_of(pool.name));
	session.report.pools.emplace();
	for (const std::string &name : names) {
		thinback_command command = command_for(parse_pool(name));

		session.kernel.run(THINBACK_SYNC, command, name);
		if (session.options.json)
			session.report.pools->push_back(find_pool(session.kernel, name));
		session.say(fmt::format("pool {} is on its device", name));
	}
}

/* All of its device: that there was nothing to take up is no failure. */
void verb_grow(Session &session)
{
	for (const std::string &object : session.options.objects) {
		thinback_command command = command_for(parse_pool(object));
		const thinback_pool before = find_pool(session.kernel, object);

		session.kernel.run(THINBACK_GROW, command, object);
		if (command.bytes == before.size)
			session.say(fmt::format("{} already fills {}: {}", object,
						text_of(before.device),
						session.size_text(command.bytes)));
		else
			session.say(fmt::format("{} has grown from {} to {}", object,
						session.size_text(before.size),
						session.size_text(command.bytes)));
		note(session.report.pools, find_pool(session.kernel, object));
	}
}

namespace {

/* As it is when it has ended. */
thinback_pool wait_for_scrub(Session &session, const std::string &object)
{
	const bool draw = session.world.can_draw && !session.options.quiet && !session.options.json;
	Progress progress(session.world.err, fmt::format("scrub {}", object), draw);

	for (;;) {
		const thinback_pool pool = find_pool(session.kernel, object);

		if (pool.scrub_state != THINBACK_SCRUB_RUNNING)
			return pool;
		progress.update(pool.scrub_done, pool.scrub_total);
		session.world.system.pause();
	}
}

std::string scrub_text(const thinback_pool &pool)
{
	const std::string read = fmt::format("{} blocks of metadata read", pool.scrub_done);

	if (pool.scrub_state != THINBACK_SCRUB_DONE)
		return "stopped, " + read;
	if (pool.scrub_found == 0)
		return read + ", all sound";
	return fmt::format("{}, {} damaged, of which {} healed: see the kernel's log", read,
			   pool.scrub_found, pool.scrub_healed);
}

} // namespace

/* What has no sound copy is for a check to tell, once the pool is detached. */
void verb_scrub(Session &session)
{
	for (const std::string &object : session.options.objects) {
		const bool stop = session.options.stop;
		thinback_command command =
			command_for(parse_pool(object), stop ? THINBACK_STOP : 0);

		session.kernel.run(THINBACK_SCRUB, command, object);
		const thinback_pool pool = session.options.wait ? wait_for_scrub(session, object)
								: find_pool(session.kernel, object);

		note(session.report.scrubs, pool);
		if (session.options.wait && pool.scrub_found > pool.scrub_healed)
			session.status = static_cast<int>(Exit::damaged);
		session.say(fmt::format("{}: {}", object,
					session.options.wait ? scrub_text(pool)
					: stop		     ? "no scrub is under way"
							     : "being scrubbed"));
	}
}

void verb_version(Session &session)
{
	std::optional<thinback_version> &module = session.report.module.emplace();

	session.print(fmt::format("thinback {}\n", tool_version));
	try {
		module = session.kernel.version();
	} catch (const Failure &failure) {
		session.print(fmt::format("module   {}\n", failure.reason));
		return;
	}
	session.print(fmt::format("module   {}, interface {}, pool format {}\n",
				  text_of(module->text), module->interface, module->format));
}

} // namespace thinback::tool
