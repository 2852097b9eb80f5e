// SPDX-License-Identifier: GPL-2.0
#include "size.h"

#include <array>
#include <cctype>

#include <fmt/format.h>

#include "failure.h"

namespace thinback::tool {

namespace {

constexpr std::array units = { 'B', 'K', 'M', 'G', 'T', 'P', 'E' };
constexpr std::uint64_t most = UINT64_MAX / 2; /* the kernel counts bytes in a signed type */

[[noreturn]] void refuse(const std::string &text, const std::string &object)
{
	throw Failure(Exit::usage, object,
		      fmt::format("'{}' is no size; sizes are written 512M, 4G or 4GiB", text));
}

/* The power of 1024 that @unit stands for: "" 0, "K" or "KiB" 1. "KB" would be taken for 1000. */
unsigned int exponent(const std::string &unit, const std::string &text, const std::string &object)
{
	if (unit.empty() || unit == "B")
		return 0;
	for (unsigned int power = 1; power < units.size(); power++) {
		if (std::toupper(unit[0]) != units[power])
			continue;
		if (unit.size() == 1 || unit.substr(1) == "iB")
			return power;
	}
	refuse(text, object);
}

} // namespace

std::uint64_t parse_size(const std::string &text, const std::string &object)
{
	constexpr const char *digits = "0123456789";
	const std::size_t whole_end = std::min(text.find_first_not_of(digits), text.size());
	std::size_t end = whole_end;

	if (end < text.size() && text[end] == '.')
		end = std::min(text.find_first_not_of(digits, end + 1), text.size());
	if (whole_end == 0 || whole_end > 19 || end - whole_end == 1 || end - whole_end > 7)
		refuse(text, object);

	const unsigned int shift = 10 * exponent(text.substr(end), text, object);
	const std::uint64_t whole = std::stoull(text.substr(0, whole_end));

	if (whole > most >> shift)
		throw Failure(Exit::usage, object, fmt::format("{} is too large", text));
	if (shift == 0 && end != whole_end)
		refuse(text, object);

	/* Six digits of a fraction fit beside any unit in 128 bits, exactly. */
	unsigned __int128 fraction = 0;
	std::uint64_t scale = 1;

	for (std::size_t i = whole_end + 1; i < end; i++, scale *= 10)
		fraction = fraction * 10 + static_cast<unsigned int>(text[i] - '0');
	fraction = (fraction << shift) / scale;
	return (whole << shift) + static_cast<std::uint64_t>(fraction);
}

std::string format_size(std::uint64_t bytes, bool exact)
{
	if (exact)
		return std::to_string(bytes);
	if (bytes < 1024)
		return fmt::format("{}B", bytes);

	unsigned int unit = 1;

	while (unit + 1 < units.size() && bytes >> (10 * (unit + 1)) != 0)
		unit++;

	/* In tenths, rounded to the nearest: a double would misprint the largest. */
	const unsigned int shift = 10 * unit;
	const std::uint64_t rest = bytes & ((std::uint64_t{ 1 } << shift) - 1);
	std::uint64_t tenths = (bytes >> shift) * 10;

	tenths += static_cast<std::uint64_t>(
		((static_cast<unsigned __int128>(rest) * 20 >> shift) + 1) / 2);
	if (tenths >= 10240 && unit + 1 < units.size()) {
		tenths = 10;
		unit++;
	}
	return fmt::format("{}.{}{}", tenths / 10, tenths % 10, units[unit]);
}

} // namespace thinback::tool
