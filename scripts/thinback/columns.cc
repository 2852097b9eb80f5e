// SPDX-License-Identifier: GPL-2.0
#include "columns.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

namespace thinback::tool {

namespace {

std::string or_dash(const std::string &text)
{
	return text.empty() ? "-" : text;
}

template <class Row> using Number = std::function<std::uint64_t(const Row &)>;

template <class Row> Column<Row> count(const char *heading, Number<Row> number)
{
	return { heading, [=](const Row &row) { return std::to_string(number(row)); }, number };
}

template <class Row>
Column<Row> size(const Session &session, const char *heading, Number<Row> number)
{
	return { heading, [=, &session](const Row &row) { return session.size_text(number(row)); },
		 number };
}

std::uint64_t used_percent(const thinback_pool &pool)
{
	if (pool.size == 0)
		return 0;
	const std::uint64_t used = pool.size - std::min(pool.free, pool.size);

	return static_cast<std::uint64_t>(static_cast<unsigned __int128>(used) * 100 / pool.size);
}

std::string promised(const Session &session, const thinback_pool &pool)
{
	std::string size = session.size_text(pool.promised);

	if (session.options.bytes || pool.size == 0)
		return size;
	return fmt::format("{} ({:.1f}x)", size,
			   static_cast<double>(pool.promised) / static_cast<double>(pool.size));
}

std::string device_and_state(const thinback_pool &pool)
{
	std::string text = or_dash(text_of(pool.device));

	if (pool.flags & THINBACK_POOL_FAILED)
		text += " (failed)";
	else if (pool.flags & THINBACK_POOL_READ_ONLY)
		text += " (read-only)";
	return text;
}

/* "12 xvda", "dom0" for what has it open on this machine. */
std::string user_of(const thinback_object &object)
{
	if (object.guest >= 0)
		return fmt::format("{} {}", object.guest, text_of(object.vdev));
	return object.open != 0 ? "dom0" : "-";
}

std::string state_of(const thinback_object &object)
{
	if (object.flags & THINBACK_REMOVING)
		return "removing";
	return object.flags & THINBACK_HIDDEN ? "removed" : "normal";
}

std::string time_of(const thinback_object &object)
{
	const auto when = static_cast<std::time_t>(object.created);
	std::tm fields{};
	char text[32];

	localtime_r(&when, &fields);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &fields);
	return text;
}

} // namespace

const char *level_name(const thinback_pool &pool)
{
	static constexpr std::array names = { "ok", "low", "critical", "full" };

	return pool.level < names.size() ? names[pool.level] : "?";
}

std::string on_full_text(const thinback_object &object)
{
	switch (object.on_full) {
	case THINBACK_FULL_ERROR:
		return "error";
	case THINBACK_FULL_WAIT:
		return fmt::format("wait:{}", object.full_wait);
	case THINBACK_FULL_PAUSE:
		return "pause";
	default:
		return "?";
	}
}

Columns<thinback_pool> pool_columns(const Session &session)
{
	using Pool = thinback_pool;
	const auto counted = [](const char *heading, __u32 Pool::*field) {
		return count<Pool>(heading, [=](const Pool &pool) { return pool.*field; });
	};

	return {
		{ "POOL",
		  [](const Pool &pool) {
			  return text_of(pool.name);
		  } },
		size<Pool>(session, "SIZE", [](const Pool &pool) { return pool.size; }),
		size<Pool>(session, "FREE", [](const Pool &pool) { return pool.free; }),
		{ "USED%", [](const Pool &pool) { return fmt::format("{}%", used_percent(pool)); },
		  used_percent },
		{ "PROMISED", [&](const Pool &pool) { return promised(session, pool); },
		  [](const Pool &pool) {
			  return pool.promised;
		  } },
		counted("VOLUMES", &Pool::volumes),
		counted("SNAPS", &Pool::snapshots),
		{ "DEVICE", device_and_state },
		size<Pool>(session, "FREEING", [](const Pool &pool) { return pool.freeing; }),
		size<Pool>(session, "METADATA", [](const Pool &pool) { return pool.metadata; }),
		counted("HIDDEN", &Pool::hidden),
		{ "UUID",
		  [](const Pool &pool) {
			  return uuid_text(pool.uuid);
		  } },
		{ "LEVEL", level_name,
		  [](const Pool &pool) {
			  return pool.level;
		  } },
		size<Pool>(session, "RESERVED", [](const Pool &pool) { return pool.reserved; }),
	};
}

Columns<Entry> entry_columns(const Session &session)
{
	return {
		{ "NAME",
		  [](const Entry &entry) {
			  return entry.name;
		  } },
		size<Entry>(session, "SIZE", [](const Entry &entry) { return entry.object.bytes; }),
		size<Entry>(session, "OWN", [](const Entry &entry) { return entry.object.own; }),
		size<Entry>(session, "SHARED",
			    [](const Entry &entry) { return entry.object.shared; }),
		{ "SNAPS",
		  [](const Entry &entry) {
			  return entry.is_snapshot() ? "-" : std::to_string(entry.snapshots);
		  },
		  [](const Entry &entry) {
			  return entry.snapshots;
		  } },
		{ "FROM",
		  [](const Entry &entry) {
			  return or_dash(entry.from);
		  } },
		{ "GUEST",
		  [](const Entry &entry) {
			  return user_of(entry.object);
		  } },
		count<Entry>("OPEN", [](const Entry &entry) { return entry.object.open; }),
		count<Entry>("CHILDREN", [](const Entry &entry) { return entry.object.children; }),
		{ "CREATED", [](const Entry &entry) { return time_of(entry.object); },
		  [](const Entry &entry) {
			  return entry.object.created;
		  } },
		{ "STATE",
		  [](const Entry &entry) {
			  return state_of(entry.object);
		  } },
		{ "NODE",
		  [](const Entry &entry) {
			  return or_dash(text_of(entry.object.node));
		  } },
		count<Entry>("ID", [](const Entry &entry) { return entry.object.id; }),
		{ "UUID",
		  [](const Entry &entry) {
			  return uuid_text(entry.object.uuid);
		  } },
		{ "QUOTA",
		  [&](const Entry &entry) {
			  return entry.object.quota ? session.size_text(entry.object.quota) : "-";
		  },
		  [](const Entry &entry) {
			  return entry.object.quota;
		  } },
		size<Entry>(session, "RESERVE",
			    [](const Entry &entry) { return entry.object.reserve; }),
		{ "ON-FULL",
		  [](const Entry &entry) {
			  return entry.is_snapshot() ? "-" : on_full_text(entry.object);
		  } },
		count<Entry>("WAITING", [](const Entry &entry) { return entry.object.waiting; }),
	};
}

} // namespace thinback::tool
