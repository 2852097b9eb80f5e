// SPDX-License-Identifier: GPL-2.0
#include "report.h"

#include <algorithm>

#include <fmt/format.h>

namespace thinback::tool {

std::string uuid_text(const std::uint8_t *uuid)
{
	std::string text;

	for (int i = 0; i < 16; i++)
		text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				    uuid[i]);
	return text;
}

const char *severity_name(Severity severity)
{
	switch (severity) {
	case Severity::leak:
		return "leak";
	case Severity::fixable:
		return "fixable";
	case Severity::fatal:
		break;
	}
	return "fatal";
}

std::string class_of(const std::vector<Finding> &findings)
{
	const auto worst = std::max_element(
		findings.begin(), findings.end(),
		[](const Finding &a, const Finding &b) { return a.severity < b.severity; });

	return worst == findings.end() ? "clean" : severity_name(worst->severity);
}

void Report::add(Entry entry)
{
	note(entry.is_snapshot() ? snapshots : volumes, std::move(entry));
}

bool Report::empty() const
{
	return !pools && !offline_pools && !volumes && !snapshots && !removed && !detached &&
	       !scrubs && !rates && !check && !dump && !module && path.empty();
}

} // namespace thinback::tool
