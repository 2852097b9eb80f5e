// SPDX-License-Identifier: GPL-2.0
/* The layout is promised in thinback(8), under JSON. The only file that pays for the parser. */
#include <ctime>

#include <nlohmann/json.hpp>

#include "columns.h"
#include "report.h"
#include "version.h"

namespace thinback::tool {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string &text)
{
	return text.empty() ? Json(nullptr) : Json(text);
}

/* ISO 8601, UTC. */
std::string time_text(std::uint64_t seconds)
{
	const auto when = static_cast<std::time_t>(seconds);
	std::tm fields{};
	char text[32];

	gmtime_r(&when, &fields);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &fields);
	return text;
}

const char *scrub_state(const thinback_pool &pool)
{
	if (pool.scrub_state == THINBACK_SCRUB_RUNNING)
		return "running";
	return pool.scrub_state == THINBACK_SCRUB_DONE ? "done" : "idle";
}

const char *pool_state(const thinback_pool &pool)
{
	return pool.flags & THINBACK_POOL_FAILED ? "failed" : "attached";
}

Json json_of_pool(const thinback_pool &pool)
{
	return { { "name", text_of(pool.name) },
		 { "uuid", uuid_text(pool.uuid) },
		 { "device", text_or_null(text_of(pool.device)) },
		 { "size", pool.size },
		 { "free", pool.free },
		 { "freeing", pool.freeing },
		 { "metadata", pool.metadata },
		 { "promised", pool.promised },
		 { "volumes", pool.volumes },
		 { "snapshots", pool.snapshots },
		 { "hidden", pool.hidden },
		 { "generation", pool.generation },
		 { "checkpoint", pool.checkpoint },
		 { "state", pool_state(pool) },
		 { "read_only", (pool.flags & THINBACK_POOL_READ_ONLY) != 0 },
		 { "cleaning", (pool.flags & THINBACK_POOL_CLEANING) != 0 },
		 { "level", level_name(pool) },
		 { "low", pool.low / 10.0 },
		 { "critical", pool.critical / 10.0 },
		 { "reserved", pool.reserved },
		 { "discard", pool.discard != 0 },
		 { "scrub_freed", pool.scrub_freed != 0 },
		 { "discard_rate", pool.discard_rate ? Json(pool.discard_rate) : Json(nullptr) } };
}

Json json_of_offline(const OfflinePool &offline)
{
	return { { "name", offline.pool.name },
		 { "uuid", uuid_text(offline.pool.uuid.data()) },
		 { "device", offline.device },
		 { "size", offline.pool.size },
		 { "state", "detached" } };
}

const char *object_state(const thinback_object &object)
{
	if (object.flags & THINBACK_REMOVING)
		return "removing";
	return object.flags & THINBACK_HIDDEN ? "removed" : "normal";
}

Json guests_of(const thinback_object &object)
{
	if (object.guest < 0)
		return Json::array();
	return Json::array({ { { "domid", object.guest }, { "vdev", text_of(object.vdev) } } });
}

std::string parent_of(const Entry &entry)
{
	const std::string pool = entry.name.substr(0, entry.name.find('/'));
	const thinback_object &object = entry.object;

	if (object.parent_volume[0] == '\0')
		return {};
	return pool + "/" + text_of(object.parent_volume) + "@" + text_of(object.parent_snapshot);
}

Json json_of_entry(const Entry &entry)
{
	const thinback_object &object = entry.object;
	Json json = { { "name", entry.name },
		      { "id", object.id },
		      { "uuid", uuid_text(object.uuid) },
		      { "size", object.bytes },
		      { "own", object.own },
		      /* What a child reaches of a snapshot does not come back with it. */
		      { "own_exact", object.children == 0 },
		      { "shared", object.shared } };

	if (entry.is_snapshot())
		json["children"] = object.children;
	else
		json["snapshots"] = entry.snapshots;
	json["from"] = text_or_null(entry.from);
	json["parent"] = text_or_null(parent_of(entry));
	json["node"] = text_or_null(text_of(object.node));
	json["guests"] = guests_of(object);
	json["open"] = object.open;
	json["read_only"] = (object.flags & (THINBACK_SNAPSHOT | THINBACK_OBJECT_READ_ONLY)) != 0;
	json["created"] = time_text(object.created);
	json["state"] = object_state(object);
	json["sector_size"] = object.flags & THINBACK_OBJECT_LARGE_SECTORS ? 4096 : 512;
	if (entry.is_snapshot())
		return json;
	json["quota"] = object.quota ? Json(object.quota) : Json(nullptr);
	json["reserve"] = object.reserve;
	json["on_full"] = on_full_text(object);
	json["waiting"] = object.waiting;
	json["detect_zeroes"] = object.detect_zeroes != 0;
	return json;
}

Json json_of_findings(const std::vector<Finding> &list)
{
	Json findings = Json::array();

	for (const Finding &finding : list)
		findings.push_back(
			{ { "class", severity_name(finding.severity) }, { "text", finding.text } });
	return findings;
}

Json json_of_repair(const CheckReport &check)
{
	if (!check.is_repaired)
		return nullptr;
	return { { "class", class_of(check.left) },
		 { "mended", check.mended },
		 { "left", json_of_findings(check.left) } };
}

Json json_of_check(const CheckReport &check)
{
	return { { "device", check.device },
		 { "pool", text_or_null(check.summary.pool) },
		 { "clean", check.findings.empty() },
		 { "class", class_of(check.findings) },
		 { "volumes", check.summary.volumes },
		 { "snapshots", check.summary.snapshots },
		 { "nodes", check.summary.nodes },
		 { "extents", check.summary.extents },
		 { "data", check.summary.data },
		 { "leaked", check.summary.leaked },
		 { "findings", json_of_findings(check.findings) },
		 { "repair", json_of_repair(check) } };
}

Json json_of_dump(const DumpReport &dump)
{
	return { { "device", dump.device },   { "file", dump.file },
		 { "volumes", dump.volumes }, { "snapshots", dump.snapshots },
		 { "extents", dump.extents }, { "lost", dump.lost } };
}

Json json_of_scrub(const thinback_pool &pool)
{
	return { { "pool", text_of(pool.name) }, { "state", scrub_state(pool) },
		 { "done", pool.scrub_done },	 { "total", pool.scrub_total },
		 { "found", pool.scrub_found },	 { "healed", pool.scrub_healed } };
}

/* In us. */
Json json_of_quantile(const Latency &latency, double share)
{
	const auto us = latency.quantile(share);

	return us ? Json(*us) : Json(nullptr);
}

Json json_of_guest(const std::string &guest)
{
	const std::size_t blank = guest.find(' ');

	if (blank == std::string::npos)
		return Json::array();
	return Json::array(
		{ { { "domid", std::stoi(guest) }, { "vdev", guest.substr(blank + 1) } } });
}

/* What is not known is null; the buckets are those of the interval. */
Json json_of_rate(const VolumeRate &rate)
{
	Json json = { { "name", rate.now.name },
		      { "guests", json_of_guest(rate.now.guest) },
		      { "own", rate.now.own },
		      { "growth", rate.is_new ? Json(nullptr) : Json(rate.growth()) } };

	for (unsigned int i = 0; i < op_count; i++) {
		const Op op = static_cast<Op>(i);
		const Latency &latency = rate.ops[op].latency;

		if (rate.is_new) {
			json[op_names[op]] = nullptr;
			continue;
		}
		json[op_names[op]] = { { "requests", rate.requests(op) },
				       { "bytes", rate.bytes(op) },
				       { "p50", json_of_quantile(latency, 0.5) },
				       { "p99", json_of_quantile(latency, 0.99) },
				       { "latency", latency.buckets } };
	}
	return json;
}

Json json_of_module(const std::optional<thinback_version> &module)
{
	if (!module)
		return nullptr;
	return { { "version", text_of(module->text) },
		 { "interface", module->interface },
		 { "format", module->format } };
}

template <class List, class Convert>
void put_list(Json &json, const char *key, const std::optional<List> &list, Convert convert)
{
	if (!list)
		return;
	if (!json.contains(key))
		json[key] = Json::array();
	for (const auto &item : *list)
		json[key].push_back(convert(item));
}

/* Names of files are bytes; what is not UTF-8 must not stop the document. */
std::string dump(const Json &json)
{
	return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace

std::string json_of(const std::string &command, const Report &report)
{
	Json json = { { "thinback",
			{ { "command", command },
			  { "format", json_format },
			  { "version", tool_version } } } };
	const auto same = [](const std::string &name) {
		return Json(name);
	};

	put_list(json, "pools", report.pools, json_of_pool);
	put_list(json, "pools", report.offline_pools, json_of_offline);
	put_list(json, "volumes", report.volumes, json_of_entry);
	put_list(json, "snapshots", report.snapshots, json_of_entry);
	put_list(json, "removed", report.removed, same);
	put_list(json, "detached", report.detached, same);
	put_list(json, "scrubs", report.scrubs, json_of_scrub);
	put_list(json, "rates", report.rates, json_of_rate);
	if (report.check)
		json["check"] = json_of_check(*report.check);
	if (report.dump)
		json["dump"] = json_of_dump(*report.dump);
	if (report.module)
		json["module"] = json_of_module(*report.module);
	if (!report.path.empty())
		json["node"] = report.path;
	return dump(json);
}

std::string json_of(const Failure &failure, const std::string &message, int exit)
{
	const Json error = { { "code", exit_name(failure.exit) },
			     { "exit", exit },
			     { "object", text_or_null(failure.object) },
			     { "message", message },
			     { "hint", text_or_null(failure.hint) } };

	return dump({ { "error", error } });
}

} // namespace thinback::tool
