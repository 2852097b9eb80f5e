// SPDX-License-Identifier: GPL-2.0
#include "name.h"

#include <algorithm>

#include <fmt/format.h>
#include <linux/thinback.h>

#include "failure.h"

namespace thinback::tool {

namespace {

constexpr std::size_t longest = THINBACK_NAME_SIZE - 1;

bool allowed(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

/* @what: "pool", "volume" or "snapshot"; @whole: for the message. */
void check_part(const std::string &part, const char *what, const std::string &whole)
{
	std::string reason;

	if (part.empty())
		reason = fmt::format("the name of the {} is empty", what);
	else if (part.size() > longest)
		reason = fmt::format("the name of the {} has {} characters, {} at most", what,
				     part.size(), longest);
	else if (part[0] == '-' || part[0] == '.')
		reason = fmt::format("the name of a {} does not start with '{}'", what, part[0]);
	else if (!std::all_of(part.begin(), part.end(), allowed))
		reason = fmt::format("the name of a {} is made of A-Z a-z 0-9 . _ -", what);
	if (!reason.empty())
		throw Failure(Exit::usage, whole, reason);
}

const char *kind_text(Kind kind)
{
	switch (kind) {
	case Kind::device:
		return "a device";
	case Kind::pool:
		return "a pool";
	case Kind::volume:
		return "a volume";
	case Kind::snapshot:
		break;
	}
	return "a snapshot";
}

[[noreturn]] void wrong_kind(const Name &name, const char *wanted)
{
	throw Failure(Exit::usage, name.text(),
		      fmt::format("that names {}; needed is {}", kind_text(name.kind), wanted));
}

/* The pool and the volume to speak of in an example: the user's own where there are some. */
std::string example(const Name &name, Kind kind)
{
	const bool known = name.kind != Kind::device;
	std::string text = known ? name.pool : "tank";

	if (kind == Kind::pool)
		return text;
	text += "/" + (known && !name.volume.empty() ? name.volume : "web17");
	return kind == Kind::volume ? text : text + "@monday";
}

Name parse_kind(const std::string &text, Kind kind)
{
	const Name name = parse_name(text);

	if (name.kind != kind)
		wrong_kind(name,
			   fmt::format("{}, as {}", kind_text(kind), example(name, kind)).c_str());
	return name;
}

} // namespace

std::string Name::text() const
{
	if (kind == Kind::device || kind == Kind::pool)
		return pool;
	return kind == Kind::volume ? pool + "/" + volume : pool + "/" + volume + "@" + snapshot;
}

Name parse_name(const std::string &text)
{
	if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../"))
		return { Kind::device, text, {}, {} };

	Name name{ Kind::pool, text, {}, {} };
	const std::size_t slash = text.find('/');

	if (slash != std::string::npos) {
		name = { Kind::volume, text.substr(0, slash), text.substr(slash + 1), {} };
		const std::size_t at = name.volume.find('@');

		if (at != std::string::npos) {
			name.kind = Kind::snapshot;
			name.snapshot = name.volume.substr(at + 1);
			name.volume.erase(at);
		}
	}
	check_part(name.pool, "pool", text);
	if (name.kind != Kind::pool)
		check_part(name.volume, "volume", text);
	if (name.kind == Kind::snapshot)
		check_part(name.snapshot, "snapshot", text);
	return name;
}

Name parse_device(const std::string &text)
{
	/* A name without a slash may be a file here, but a device is never meant by it. */
	if (!text.starts_with('/') && !text.starts_with('.'))
		throw Failure(Exit::usage, text, "needed is the path of a device, as /dev/sdb3");
	return { Kind::device, text, {}, {} };
}

Name parse_pool(const std::string &text)
{
	return parse_kind(text, Kind::pool);
}

Name parse_volume(const std::string &text)
{
	return parse_kind(text, Kind::volume);
}

Name parse_snapshot(const std::string &text)
{
	return parse_kind(text, Kind::snapshot);
}

Name parse_volume_or_snapshot(const std::string &text)
{
	const Name name = parse_name(text);

	if (name.kind != Kind::volume && name.kind != Kind::snapshot)
		wrong_kind(name,
			   fmt::format("a volume or a snapshot, as {} or {}",
				       example(name, Kind::volume), example(name, Kind::snapshot))
				   .c_str());
	return name;
}

} // namespace thinback::tool
