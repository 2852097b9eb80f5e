// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <cstdlib>
#include <memory>
#include <new>

#include <libsmartcols/libsmartcols.h>

namespace thinback::tool {

namespace {

struct Unref {
	void operator()(libscols_table *table) const { scols_unref_table(table); }
};

void require(bool done)
{
	if (!done)
		throw std::bad_alloc();
}

} // namespace

std::string table_text(const std::vector<Heading> &headings,
		       const std::vector<std::vector<std::string>> &rows)
{
	const std::unique_ptr<libscols_table, Unref> table(scols_new_table());
	std::string text;
	char *printed = nullptr;

	require(table && scols_table_set_column_separator(table.get(), "  ") == 0);
	/* Else the width of a terminal, even one that is not written to, shortens columns. */
	scols_table_set_termforce(table.get(), SCOLS_TERMFORCE_NEVER);
	for (const Heading &heading : headings)
		require(scols_table_new_column(table.get(), heading.text.c_str(), 0,
					       heading.right ? SCOLS_FL_RIGHT : 0));
	for (const std::vector<std::string> &row : rows) {
		libscols_line *line = scols_table_new_line(table.get(), nullptr);

		require(line);
		for (std::size_t i = 0; i < row.size(); i++)
			require(scols_line_set_data(line, i, row[i].c_str()) == 0);
	}
	require(scols_print_table_to_string(table.get(), &printed) == 0);
	text = printed ? printed : "";
	free(printed);
	if (!text.empty() && !text.ends_with('\n'))
		text += '\n';
	return text;
}

} // namespace thinback::tool
