// SPDX-License-Identifier: GPL-2.0
/* thinback set: what a volume may take of its pool, and when the pool has little left. */
#include <cctype>

#include <fmt/format.h>

#include "verbs.h"

namespace thinback::tool {

namespace {

/* "quota=2G": before and behind the first =. */
struct Setting {
	std::string key;
	std::string value;
};

Setting parse_setting(const std::string &word, const std::string &object)
{
	const std::size_t at = word.find('=');

	if (at == std::string::npos)
		throw Failure(Exit::usage, object,
			      fmt::format("'{}' is no setting; those are written quota=2G", word));
	return { word.substr(0, at), word.substr(at + 1) };
}

[[noreturn]] void refuse_key(const Setting &setting, const std::string &object, const char *known)
{
	throw Failure(Exit::usage, object, fmt::format("there is no setting '{}'", setting.key),
		      fmt::format("settings: {}", known));
}

std::uint64_t parse_limit(const std::string &value, const std::string &object)
{
	return value == "none" ? 0 : parse_size(value, object);
}

/* "wait:90", or "wait" for the default. */
std::uint32_t parse_seconds(const std::string &value, const std::string &object)
{
	constexpr std::size_t most_digits = 4;
	const std::string digits = value.size() > 5 ? value.substr(5) : "";

	if (value == "wait")
		return 0;
	if (value.find(':') != 4 || digits.empty() || digits.size() > most_digits ||
	    digits.find_first_not_of("0123456789") != std::string::npos || std::stoul(digits) == 0)
		throw Failure(Exit::usage, object,
			      fmt::format("'{}' is no policy; a write waits for 1 to 3600 seconds: "
					  "wait:90",
					  value));
	return static_cast<std::uint32_t>(std::stoul(digits));
}

void parse_policy(thinback_command &command, const std::string &value, const std::string &object)
{
	if (value == "error")
		command.on_full = THINBACK_FULL_ERROR;
	else if (value == "pause")
		command.on_full = THINBACK_FULL_PAUSE;
	else if (value.starts_with("wait")) {
		command.on_full = THINBACK_FULL_WAIT;
		command.full_wait = parse_seconds(value, object);
	} else {
		throw Failure(Exit::usage, object, fmt::format("'{}' is no policy", value),
			      "on-full=error, on-full=wait:SECONDS or on-full=pause");
	}
}

/* "20%" or "2.5%", in thousandths. */
std::uint32_t parse_mark(const std::string &value, const std::string &object)
{
	const std::size_t percent = value.find('%');
	const std::string number = value.substr(0, percent);
	const std::size_t dot = std::min(number.find('.'), number.size());
	const std::string whole = number.substr(0, dot);
	const std::string tenth = dot < number.size() ? number.substr(dot + 1) : "0";
	const auto is_number = [](const std::string &text, std::size_t most) {
		return !text.empty() && text.size() <= most &&
		       text.find_first_not_of("0123456789") == std::string::npos;
	};

	if (percent + 1 != value.size() || !is_number(whole, 2) || !is_number(tenth, 1) ||
	    std::stoul(whole + tenth) == 0)
		throw Failure(Exit::usage, object,
			      fmt::format("'{}' is no mark; marks are written 20% or 2.5%", value));
	return static_cast<std::uint32_t>(std::stoul(whole + tenth));
}

std::uint32_t parse_switch(const Setting &setting, const std::string &object)
{
	if (setting.value != "on" && setting.value != "off")
		throw Failure(
			Exit::usage, object,
			fmt::format("{} is on or off, and not '{}'", setting.key, setting.value));
	return setting.value == "on";
}

void put_limit(thinback_command &command, const Setting &setting, const std::string &object)
{
	if (setting.key == "quota") {
		command.set |= THINBACK_SET_QUOTA;
		command.quota = parse_limit(setting.value, object);
	} else if (setting.key == "reserve") {
		command.set |= THINBACK_SET_RESERVE;
		command.reserve = parse_limit(setting.value, object);
	} else if (setting.key == "on-full") {
		command.set |= THINBACK_SET_ON_FULL;
		parse_policy(command, setting.value, object);
	} else if (setting.key == "detect-zeroes") {
		command.set |= THINBACK_SET_DETECT_ZEROES;
		command.detect_zeroes = parse_switch(setting, object);
	} else {
		refuse_key(setting, object, "of a volume: quota reserve on-full detect-zeroes");
	}
}

void put_pool_setting(thinback_command &command, const Setting &setting, const std::string &object)
{
	if (setting.key == "low") {
		command.set |= THINBACK_SET_LOW;
		command.low = parse_mark(setting.value, object);
	} else if (setting.key == "critical") {
		command.set |= THINBACK_SET_CRITICAL;
		command.critical = parse_mark(setting.value, object);
	} else if (setting.key == "discard") {
		command.set |= THINBACK_SET_DISCARD;
		command.discard = parse_switch(setting, object);
	} else if (setting.key == "scrub-freed") {
		command.set |= THINBACK_SET_SCRUB_FREED;
		command.scrub_freed = parse_switch(setting, object);
	} else if (setting.key == "discard-rate") {
		command.set |= THINBACK_SET_DISCARD_RATE;
		command.discard_rate = parse_limit(setting.value, object);
	} else {
		refuse_key(setting, object,
			   "of a pool: low critical discard scrub-freed discard-rate");
	}
}

} // namespace

void verb_set(Session &session)
{
	const std::string &object = session.options.objects.at(0);
	const Name name = parse_name(object);
	const bool is_pool = name.kind == Kind::pool;
	std::string said;

	if (!is_pool)
		parse_volume(object); /* which refuses what else it may be */
	thinback_command command = command_for(name);

	for (std::size_t i = 1; i < session.options.objects.size(); i++) {
		const Setting setting = parse_setting(session.options.objects[i], object);

		(is_pool ? put_pool_setting : put_limit)(command, setting, object);
		said += " " + session.options.objects[i];
	}
	session.kernel.run(THINBACK_SET, command, object);
	session.say(fmt::format("{}:{}", object, said));
	if (!is_pool)
		session.report_entry(name);
	else if (session.options.json)
		note(session.report.pools, find_pool(session.kernel, object));
}

} // namespace thinback::tool
