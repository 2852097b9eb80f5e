// SPDX-License-Identifier: GPL-2.0
#include "progress.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include <fmt/format.h>

namespace thinback::tool {

std::string progress_line(const std::string &label, std::uint64_t done, std::uint64_t total,
			  std::uint64_t seconds)
{
	constexpr unsigned int width = 20;
	const double part =
		total == 0 ? 0
			   : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
	const auto filled = static_cast<unsigned int>(part * width);
	std::string line = fmt::format("{}  {:3.0f}%  [{}{}]", label, part * 100,
				       std::string(filled, '#'), std::string(width - filled, ' '));

	if (part > 0) {
		const auto left = static_cast<std::uint64_t>(static_cast<double>(seconds) *
							     (1 - part) / part);

		line += fmt::format("  {}:{:02} left", left / 60, left % 60);
	}
	return line;
}

Progress::Progress(std::ostream &out, std::string label, bool draw)
	: out_(out), label_(std::move(label)), draw_(draw)
{
}

Progress::~Progress()
{
	clear();
}

void Progress::update(std::uint64_t done, std::uint64_t total)
{
	const Clock::time_point now = Clock::now();

	if (!draw_ || now < next_)
		return;
	next_ = now + std::chrono::milliseconds(100);

	const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - start_).count();
	const std::string line =
		progress_line(label_, done, total, static_cast<std::uint64_t>(seconds));
	const std::size_t rest = shown_ > line.size() ? shown_ - line.size() : 0;

	out_ << '\r' << line << std::string(rest, ' ') << std::flush;
	shown_ = line.size();
}

void Progress::clear()
{
	if (shown_ != 0)
		out_ << '\r' << std::string(shown_, ' ') << '\r' << std::flush;
	shown_ = 0;
}

} // namespace thinback::tool
