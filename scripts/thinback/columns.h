/* SPDX-License-Identifier: GPL-2.0 */
/* What a list can show of a pool and of what is in it: counters of the module's, no sums. */
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "session.h"

namespace thinback::tool {

/* What a column shows of a row, and what it is sorted by where that is a number. */
template <class Row> struct Column {
	const char *heading = nullptr;
	std::function<std::string(const Row &)> text;
	std::function<std::uint64_t(const Row &)> number = nullptr;
};

template <class Row> using Columns = std::vector<Column<Row>>;

/* The session is borrowed: it decides how sizes look. The usual ones come first. */
Columns<thinback_pool> pool_columns(const Session &session);
Columns<Entry> entry_columns(const Session &session);

constexpr std::size_t usual_pool_columns = 8;
constexpr std::size_t usual_entry_columns = 7;

/* "low": as sysfs says it. */
const char *level_name(const thinback_pool &pool);
/* "wait:60" */
std::string on_full_text(const thinback_object &object);

} // namespace thinback::tool
