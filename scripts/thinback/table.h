/* SPDX-License-Identifier: GPL-2.0 */
/* Rows and columns of text, as lsblk(8) sets them. */
#pragma once

#include <string>
#include <vector>

namespace thinback::tool {

struct Heading {
	std::string text;
	bool right; /* numbers */
};

/* Never cut or wrapped, whatever the terminal; at least two blanks between columns. */
std::string table_text(const std::vector<Heading> &headings,
		       const std::vector<std::vector<std::string>> &rows);

} // namespace thinback::tool
