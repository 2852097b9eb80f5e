/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of anything that has columns: found by name, sorted, and set as a table. */
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "columns.h"
#include "failure.h"
#include "table.h"

namespace thinback::tool {

/* Case and the percent sign do not matter: "used" is USED%. */
inline std::string plain(std::string word)
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

/* Numbers from the largest, text from A. @by: empty for as they are. */
template <class Row>
void sort_rows(const std::string &by, const Columns<Row> &all, std::vector<Row> &rows)
{
	if (by.empty())
		return;

	const Column<Row> column = find_column(all, by);

	std::stable_sort(rows.begin(), rows.end(), [&](const Row &a, const Row &b) {
		return column.number ? column.number(a) > column.number(b)
				     : column.text(a) < column.text(b);
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

} // namespace thinback::tool
