// SPDX-License-Identifier: GPL-2.0
/* Verbs on devices that are not attached: the module takes no part in them. */
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
	std::string text = fmt::format(
		"pool {}: {} volumes, {} snapshots, {} nodes, {} extents, {} of data\n", sum.pool,
		sum.volumes, sum.snapshots, sum.nodes, sum.extents, session.size_text(sum.data));

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

CheckSummary run_check(Session &session, const Device &device, std::vector<Finding> &findings)
{
	Progress progress(session.world.err, "check " + device.get().path,
			  session.world.can_draw && !session.options.quiet);
	CheckListener listener;

	listener.progress = [&](std::uint64_t done, std::uint64_t total) {
		progress.update(done, total);
	};
	listener.found = [&](const Finding &finding) {
		progress.clear();
		print_finding(session, finding);
		findings.push_back(finding);
	};
	return session.world.core.check(device.get(), listener);
}

/* What it has come to is for another check to say. */
void run_repair(Session &session, const Device &device, CheckReport &check)
{
	check.is_repaired = true;
	check.mended = session.world.core.repair(device.get());
	for (const std::string &line : check.mended)
		session.print(fmt::format("{:<9}{}\n", "mended", line));
	if (check.mended.empty())
		check.left = check.findings;
	else
		run_check(session, device, check.left);
	if (check.left.empty())
		session.say("clean now");
	else
		session.say(count_text(check.left, "left"));
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

	check.device = path;
	check.summary = run_check(session, *device, check.findings);
	if (!session.options.quiet)
		session.print(summary_text(session, check));
	if (!check.findings.empty() && repair)
		run_repair(session, *device, check);
	if (!check.findings.empty())
		status = check.is_repaired && check.left.empty() ? CheckExit::mended
								 : CheckExit::findings;
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
