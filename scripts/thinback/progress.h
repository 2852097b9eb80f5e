/* SPDX-License-Identifier: GPL-2.0 */
/* One line that is drawn over and over while somebody waits. */
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace thinback::tool {

class Progress {
public:
	/* @label stands before the figures. @draw false: never writes. */
	Progress(std::ostream &out, std::string label, bool draw);
	Progress(const Progress &) = delete;
	Progress &operator=(const Progress &) = delete;
	~Progress();

	/* Draws ten times a second at most, and not in the first second. */
	void update(std::uint64_t done, std::uint64_t total);
	/* Make room for other text. */
	void clear();

private:
	using Clock = std::chrono::steady_clock;

	std::ostream &out_;
	const std::string label_;
	const bool draw_;
	const Clock::time_point start_ = Clock::now();
	Clock::time_point next_ = start_ + std::chrono::seconds(1);
	std::size_t shown_ = 0; /* characters on the line */
};

/* "check /dev/sdb3  61%  [############        ]  0:11 left" */
std::string progress_line(const std::string &label, std::uint64_t done, std::uint64_t total,
			  std::uint64_t seconds);

} // namespace thinback::tool
