// SPDX-License-Identifier: GPL-2.0
/* thinback list. */
#include <sstream>

#include <fmt/format.h>

#include "rows.h"
#include "verbs.h"

namespace thinback::tool {

namespace {

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

void list_pools(Session &session)
{
	const Columns<thinback_pool> all = pool_columns(session);
	const Columns<thinback_pool> chosen = choose(session, all, usual_pool_columns);
	std::vector<thinback_pool> pools = session.kernel.pools();

	sort_rows(session.options.sort, all, pools);
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

	sort_rows(session.options.sort, all, entries);
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

/* Below a volume; nothing where nothing is set. */
std::string limits_line(const Session &session, const thinback_object &object)
{
	std::string line;

	if (object.quota != 0)
		line += fmt::format(", quota {}", session.size_text(object.quota));
	if (object.reserve != 0)
		line += fmt::format(", reserve {}", session.size_text(object.reserve));
	if (object.on_full != THINBACK_FULL_ERROR)
		line += fmt::format(", on-full {}", on_full_text(object));
	if (object.detect_zeroes != 0)
		line += ", detect-zeroes on";
	if (object.flags & THINBACK_OBJECT_LARGE_SECTORS)
		line += ", sectors of 4096 bytes";
	if (object.waiting != 0)
		line += fmt::format(", {} write{} waiting for space", object.waiting,
				    object.waiting == 1 ? "" : "s");
	return line.empty() ? line : fmt::format("\n{}\n", line.substr(2));
}

/* A volume and its snapshots, or one snapshot. */
void list_object(Session &session, const Name &name)
{
	std::vector<Entry> entries{ find_entry(session.kernel, name) };

	if (name.kind == Kind::volume)
		for (Entry &entry : inventory(session.kernel, name.pool))
			if (entry.is_snapshot() && text_of(entry.object.volume) == name.volume)
				entries.push_back(std::move(entry));
	const thinback_object object = entries.front().object;

	show_entries(session, {}, std::move(entries), true);
	if (name.kind == Kind::volume && session.options.columns.empty())
		session.print(limits_line(session, object));
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
