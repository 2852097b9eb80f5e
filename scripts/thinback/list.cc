// SPDX-License-Identifier: GPL-2.0
/* thinback list: all figures are counters of the module's, however large the pool. */
#include <algorithm>
#include <functional>
#include <sstream>

#include <fmt/format.h>

#include "table.h"
#include "verbs.h"

namespace thinback::tool {

namespace {

/* What a column shows of a row, and what it is sorted by where that is a number. */
template <class Row> struct Column {
	const char *heading;
	std::function<std::string(const Row &)> text;
	std::function<std::uint64_t(const Row &)> number = nullptr;
};

template <class Row> using Columns = std::vector<Column<Row>>;

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
	const std::string size = session.size_text(pool.promised);

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
	};
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
	};
}

/* Case and the percent sign do not matter: "used" is USED%. */
std::string plain(std::string word)
{
	std::erase(word, '%');
	for (char &c : word)
		c = static_cast<char>(toupper(c));
	return word;
}

template <class Row> Column<Row> find_column(const Columns<Row> &all, const std::string &word)
{
	std::string known;

	for (const Column<Row> &column : all) {
		if (plain(column.heading) == plain(word))
			return column;
		known += fmt::format(" {}", plain(column.heading));
	}
	for (char &c : known)
		c = static_cast<char>(tolower(c));
	throw Failure(Exit::usage, {}, fmt::format("there is no column '{}'", word),
		      "columns:" + known);
}

/* The first @usual of them, or those asked for with -o. */
template <class Row>
Columns<Row> choose(const Session &session, const Columns<Row> &all, std::size_t usual)
{
	if (session.options.columns.empty())
		return { all.begin(), all.begin() + static_cast<std::ptrdiff_t>(usual) };

	std::istringstream words(session.options.columns);
	std::string word;
	Columns<Row> chosen;

	while (std::getline(words, word, ','))
		chosen.push_back(find_column(all, word));
	return chosen;
}

/* Numbers from the largest, text from A. */
template <class Row>
void sort_rows(const Session &session, const Columns<Row> &all, std::vector<Row> &rows)
{
	if (session.options.sort.empty())
		return;

	const Column<Row> by = find_column(all, session.options.sort);

	std::stable_sort(rows.begin(), rows.end(), [&](const Row &a, const Row &b) {
		return by.number ? by.number(a) > by.number(b) : by.text(a) < by.text(b);
	});
}

template <class Row> std::string table_of(const Columns<Row> &columns, const std::vector<Row> &rows)
{
	std::vector<Heading> headings;
	std::vector<std::vector<std::string>> lines;

	for (const Column<Row> &column : columns)
		headings.push_back({ column.heading, column.number != nullptr });
	for (const Row &row : rows) {
		std::vector<std::string> &line = lines.emplace_back();

		for (const Column<Row> &column : columns)
			line.push_back(column.text(row));
	}
	return table_text(headings, lines);
}

constexpr std::size_t usual_pool_columns = 8;
constexpr std::size_t usual_entry_columns = 7;

void list_pools(Session &session)
{
	const Columns<thinback_pool> all = pool_columns(session);
	const Columns<thinback_pool> chosen = choose(session, all, usual_pool_columns);
	std::vector<thinback_pool> pools = session.kernel.pools();

	sort_rows(session, all, pools);
	if (pools.empty())
		session.say("no pool is attached");
	else
		session.print(table_of(chosen, pools));
	session.report.pools = std::move(pools);
}

/* To the report and to the screen, below @above. */
void show_entries(Session &session, const std::string &above, std::vector<Entry> entries,
		  bool with_snapshots)
{
	const Columns<Entry> all = entry_columns(session);
	const Columns<Entry> chosen = choose(session, all, usual_entry_columns);

	sort_rows(session, all, entries);
	session.report.volumes.emplace();
	if (with_snapshots)
		session.report.snapshots.emplace();
	session.print(above);
	if (!entries.empty())
		session.print((above.empty() ? "" : "\n") + table_of(chosen, entries));
	for (Entry &entry : entries)
		session.report.add(std::move(entry));
}

/* Above its volumes; columns that were chosen are for one table, which a script reads. */
std::string pool_line(const Session &session, const thinback_pool &pool)
{
	if (!session.options.columns.empty())
		return {};
	return table_of(choose(session, pool_columns(session), usual_pool_columns),
			std::vector{ pool });
}

void list_pool(Session &session, const std::string &name)
{
	const thinback_pool pool = find_pool(session.kernel, name);
	std::vector<Entry> entries = inventory(session.kernel, name);

	if (!session.options.snapshots)
		std::erase_if(entries, [](const Entry &entry) {
			return entry.is_snapshot() || entry.is_gone();
		});
	session.report.pools = { pool };
	show_entries(session, pool_line(session, pool), std::move(entries),
		     session.options.snapshots);
}

/* A volume and its snapshots, or one snapshot. */
void list_object(Session &session, const Name &name)
{
	std::vector<Entry> entries{ find_entry(session.kernel, name) };

	if (name.kind == Kind::volume)
		for (Entry &entry : inventory(session.kernel, name.pool))
			if (entry.is_snapshot() && text_of(entry.object.volume) == name.volume)
				entries.push_back(std::move(entry));
	show_entries(session, {}, std::move(entries), true);
}

} // namespace

void verb_list(Session &session)
{
	if (session.options.objects.empty())
		return list_pools(session);

	const Name name = parse_name(session.options.objects[0]);

	if (name.kind == Kind::device)
		parse_pool(name.pool); /* which refuses it, with an example */
	if (name.kind == Kind::pool)
		return list_pool(session, name.pool);
	return list_object(session, name);
}

} // namespace thinback::tool
