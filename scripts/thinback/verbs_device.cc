// SPDX-License-Identifier: GPL-2.0
/* Verbs on devices that are not attached: the module takes no part in them. */
#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <sys/random.h>

#include "offline.h"
#include "progress.h"
#include "signature.h"
#include "verbs.h"

namespace thinback::tool {

namespace {

/* A random UUID, version 4 of RFC 4122. */
Uuid new_uuid()
{
	Uuid uuid{};

	if (getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
		throw Failure(Exit::failed, {}, "no random numbers for a UUID");
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return uuid;
}

/* Whatever is there goes only if the user says so; a person at a terminal is asked once more. */
void allow_overwriting(Session &session, const std::string &device, const std::string &found)
{
	const std::string again =
		fmt::format("thinback format {} --name {} --force", device, session.options.name);

	if (found.empty())
		return;
	if (!session.options.force)
		throw Failure(Exit::refused, device, fmt::format("it holds {}", found),
			      "to overwrite it: " + again);
	if (!session.confirm(fmt::format("overwrite {}, which holds {}?", device, found), true))
		throw Failure(Exit::failed, device, "not confirmed");
}

} // namespace

void verb_format(Session &session)
{
	const std::string path = parse_device(session.options.objects.at(0)).pool;
	const std::string name = parse_pool(session.options.name).pool;
	const std::unique_ptr<Device> device = open_device(session, path, Access::write);
	const std::string found = content(session.world.core, device->get());

	allow_overwriting(session, path, found);
	session.world.core.format(device->get(), { name, new_uuid(), 0 });
	/* Where the pool wrote nothing yet: a partition table at the end, say. */
	if (!found.empty())
		wipe_signatures(device->get());

	const std::optional<PoolOnDisk> made = session.world.core.probe(device->get());

	if (!made)
		throw Failure(Exit::failed, path, "the pool just made cannot be read back");
	session.report.offline_pools = { { path, *made } };
	session.say(
		fmt::format("pool {} made on {}, {}", name, path, session.size_text(made->size)));
	session.say(fmt::format("  next: thinback attach {}", path));
}

namespace {

/* "3 found: 1 leak 2 fatal" */
std::string count_text(const std::vector<Finding> &findings, const char *what)
{
	std::map<Severity, unsigned int> counts;
	std::string text = fmt::format("{} {}:", findings.size(), what);

	for (const Finding &finding : findings)
		counts[finding.severity]++;
	for (const auto &[severity, count] : counts)
		text += fmt::format(" {} {}", count, severity_name(severity));
	return text;
}

std::string summary_text(const Session &session, const CheckReport &check)
{
	const CheckSummary &sum = check.summary;
	std::string text;

	if (!sum.pool.empty())
		text = fmt::format(
			"pool {}: {} volumes, {} snapshots, {} nodes, {} extents, {} of data\n",
			sum.pool, sum.volumes, sum.snapshots, sum.nodes, sum.extents,
			session.size_text(sum.data));

	if (check.findings.empty())
		return text + "clean\n";
	text += count_text(check.findings, "found");
	if (sum.leaked != 0)
		text += fmt::format(", {} leaked", session.size_text(sum.leaked));
	return text + "\n";
}

void print_finding(Session &session, const Finding &finding)
{
	session.print(fmt::format("{:<9}{}\n", severity_name(finding.severity), finding.text));
}

/* Findings are printed, and kept in @findings. */
CheckListener listener_of(Session &session, Progress &progress, std::vector<Finding> &findings)
{
	CheckListener listener;

	listener.progress = [&](std::uint64_t done, std::uint64_t total) {
		progress.update(done, total);
	};
	listener.found = [&](const Finding &finding) {
		progress.clear();
		print_finding(session, finding);
		findings.push_back(finding);
	};
	return listener;
}

CheckSummary run_check(Session &session, const Device &device, std::vector<Finding> &findings)
{
	Progress progress(session.world.err, "check " + device.get().path,
			  session.world.can_draw && !session.options.quiet);

	return session.world.core.check(device.get(), listener_of(session, progress, findings));
}

bool has_fatal(const std::vector<Finding> &findings)
{
	return std::any_of(findings.begin(), findings.end(), [](const Finding &finding) {
		return finding.severity == Severity::fatal;
	});
}

/* What nothing else can be done about. */
void say_what_helps(Session &session, const CheckReport &check)
{
	const std::string repair = fmt::format("thinback check {} --repair", check.device);

	if (!check.is_repaired && check.summary.pool.empty())
		session.say("  to look for it: " + repair);
	else if (check.is_repaired && !session.options.drop_damaged && has_fatal(check.left))
		session.say("  to give up what cannot be read: " + repair + " --drop-damaged");
}

/* What it has come to is for another check to say. */
void run_repair(Session &session, const Device &device, CheckReport &check)
{
	{
		Progress progress(session.world.err, "repair " + device.get().path,
				  session.world.can_draw && !session.options.quiet);

		check.is_repaired = true;
		check.mended = session.world.core.repair(
			device.get(), { session.options.drop_damaged, session.options.name },
			listener_of(session, progress, check.left));
	}
	for (const std::string &line : check.mended)
		session.print(fmt::format("{:<9}{}\n", "mended", line));
	if (!check.mended.empty()) {
		const CheckSummary now = run_check(session, device, check.left);

		if (check.summary.pool.empty())
			check.summary = now;
	} else if (check.left.empty()) {
		check.left = check.findings;
	}
	if (check.left.empty())
		session.say("clean now");
	else
		session.say(count_text(check.left, "left"));
}

/* True if a repair is to look for what cannot be seen at first. */
bool find_nothing(Session &session, const Device &device, CheckReport &check)
{
	try {
		check.summary = run_check(session, device, check.findings);
		return false;
	} catch (const Failure &failure) {
		if (!session.options.repair || failure.error != EMEDIUMTYPE)
			throw;
		return true;
	}
}

} // namespace

void verb_check(Session &session)
{
	const std::string path = parse_device(session.options.objects.at(0)).pool;
	const bool repair = session.options.repair;
	const std::unique_ptr<Device> device =
		open_device(session, path, repair ? Access::write : Access::read);
	CheckReport check;
	CheckExit status = CheckExit::clean;

	if (!session.options.name.empty())
		parse_pool(session.options.name);
	check.device = path;
	const bool is_hidden = find_nothing(session, *device, check);

	if (!session.options.quiet && !is_hidden)
		session.print(summary_text(session, check));
	if ((!check.findings.empty() || is_hidden) && repair)
		run_repair(session, *device, check);
	if (!check.findings.empty() || is_hidden)
		status = check.is_repaired && check.left.empty() ? CheckExit::mended
								 : CheckExit::findings;
	if (!check.findings.empty())
		say_what_helps(session, check);
	session.status = static_cast<int>(status);
	session.report.check = std::move(check);
}

void verb_probe(Session &session)
{
	const std::string path = parse_device(session.options.objects.at(0)).pool;
	const Device device(session.world.system, path, Access::look);
	const std::optional<PoolOnDisk> pool = session.world.core.probe(device.get());

	if (!pool)
		throw Failure(Exit::missing, path, "there is no pool on it");

	const std::string uuid = uuid_text(pool->uuid.data());

	session.report.offline_pools = { { path, *pool } };
	if (session.options.udev)
		/* Names and UUIDs need none of the escaping that ..._ENC stands for. */
		session.print(fmt::format("ID_FS_TYPE=thinback\nID_FS_USAGE=other\n"
					  "ID_FS_LABEL={0}\nID_FS_LABEL_ENC={0}\n"
					  "ID_FS_UUID={1}\nID_FS_UUID_ENC={1}\n",
					  pool->name, uuid));
	else
		session.print(fmt::format("pool {}, {}, {}\n", pool->name,
					  session.size_text(pool->size), uuid));
}

} // namespace thinback::tool
