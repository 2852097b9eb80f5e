// SPDX-License-Identifier: GPL-2.0
/* thinback top. Reads sysfs alone, so it costs the module a few reads of counters. */
#include <cmath>
#include <sstream>

#include <fmt/format.h>

#include "rows.h"
#include "sample.h"
#include "verbs.h"

namespace thinback::tool {

namespace {

constexpr std::uint64_t tenth = 100'000'000; /* ns */
constexpr unsigned int shortest = 1;	     /* tenths of a second */
constexpr unsigned int longest = 36000;

/* "0.5": in tenths of a second. */
unsigned int parse_interval(const std::string &text)
{
	std::size_t used = 0;
	double seconds = 0;

	try {
		seconds = std::stod(text, &used);
	} catch (const std::exception &) {
		used = 0;
	}
	const double tenths = std::round(seconds * 10);

	if (used == 0 || used != text.size() || !(tenths >= shortest && tenths <= longest))
		throw Failure(Exit::usage, {},
			      fmt::format("'{}' is no interval; it is 0.1 to 3600 seconds", text));
	return static_cast<unsigned int>(tenths);
}

unsigned long parse_count(const std::string &text)
{
	if (text.empty() || text.size() > 9 ||
	    text.find_first_not_of("0123456789") != std::string::npos || std::stoul(text) == 0)
		throw Failure(Exit::usage, {},
			      fmt::format("'{}' is no count; it is 1 or more", text));
	return std::stoul(text);
}

std::uint64_t rounded(double value)
{
	return value > 0 ? static_cast<std::uint64_t>(std::llround(value)) : 0;
}

/* One digit behind the point only where there is one before it. */
std::string rate_text(double rate)
{
	if (rate > 0 && rate < 9.95)
		return fmt::format("{:.1f}", rate);
	return std::to_string(rounded(rate));
}

std::string time_text(std::optional<double> us)
{
	if (!us)
		return "-";
	if (*us < 999.5)
		return fmt::format("{:.0f}us", *us);
	return *us < 999'950 ? fmt::format("{:.1f}ms", *us / 1e3)
			     : fmt::format("{:.1f}s", *us / 1e6);
}

/* Reads and writes: flushes and discards are another matter. */
Latency transfers(const VolumeRate &rate)
{
	Latency both = rate.ops[op_read].latency;

	both.add(rate.ops[op_write].latency);
	return both;
}

Column<VolumeRate> requests(const char *heading, Op op)
{
	return { heading,
		 [=](const VolumeRate &rate) {
			 return rate.is_new ? "-" : rate_text(rate.requests(op));
		 },
		 [=](const VolumeRate &rate) {
			 return rounded(rate.requests(op) * 1000);
		 } };
}

Column<VolumeRate> bytes(const Session &session, const char *heading, Op op)
{
	return { heading,
		 [=, &session](const VolumeRate &rate) {
			 return rate.is_new ? "-" : session.size_text(rounded(rate.bytes(op)));
		 },
		 [=](const VolumeRate &rate) {
			 return rounded(rate.bytes(op));
		 } };
}

Column<VolumeRate> quantile(const char *heading, double share)
{
	return { heading,
		 [=](const VolumeRate &rate) { return time_text(transfers(rate).quantile(share)); },
		 [=](const VolumeRate &rate) {
			 return rounded(transfers(rate).quantile(share).value_or(0) * 1000);
		 } };
}

std::string growth_text(const Session &session, const VolumeRate &rate)
{
	const std::string size = session.size_text(rounded(std::abs(rate.growth())));

	if (rate.is_new)
		return "-";
	return (rate.growth() < 0 ? "-" : "") + size;
}

Columns<VolumeRate> rate_columns(const Session &session)
{
	return {
		{ "NAME",
		  [](const VolumeRate &rate) {
			  return rate.now.name;
		  } },
		{ "GUEST",
		  [](const VolumeRate &rate) {
			  return rate.now.guest.empty() ? "-" : rate.now.guest;
		  } },
		requests("READS", op_read),
		requests("WRITES", op_write),
		requests("FLUSHES", op_flush),
		bytes(session, "READ", op_read),
		bytes(session, "WRITTEN", op_write),
		quantile("P50", 0.5),
		quantile("P99", 0.99),
		{ "OWN", [&](const VolumeRate &rate) { return session.size_text(rate.now.own); },
		  [](const VolumeRate &rate) {
			  return rate.now.own;
		  } },
		/* What shrinks comes last, as what does nothing. */
		{ "GROWTH", [&](const VolumeRate &rate) { return growth_text(session, rate); },
		  [](const VolumeRate &rate) {
			  return rounded(rate.growth());
		  } },
	};
}

/* Without --sort the busiest come first. */
void sort_rates(const Session &session, std::vector<VolumeRate> &rates)
{
	const auto all = [](const VolumeRate &rate) {
		return rate.requests(op_read) + rate.requests(op_write) + rate.requests(op_flush) +
		       rate.requests(op_discard);
	};

	if (session.options.sort.empty())
		std::stable_sort(
			rates.begin(), rates.end(),
			[&](const VolumeRate &a, const VolumeRate &b) { return all(a) > all(b); });
	else
		sort_rows(session.options.sort, rate_columns(session), rates);
}

class Top {
public:
	explicit Top(Session &session)
		: session_(session),
		  interval_(parse_interval(session.options.interval) * tenth),
		  last_(look(true))
	{
	}

	/* The rates since the last time. */
	std::vector<VolumeRate> next()
	{
		Sample now = look(false);
		std::vector<VolumeRate> rates = rates_between(last_, now);

		last_ = std::move(now);
		sort_rates(session_, rates);
		return rates;
	}

	/* Lines, one table after the other. @count 0: until nobody reads them. */
	void print(unsigned long count)
	{
		for (unsigned long i = 0; count == 0 || i < count; i++) {
			session_.world.system.sleep(interval_);
			session_.print((i ? "\n" : "") + table(next()));
			if (!session_.world.out)
				return;
		}
	}

	void draw(Terminal &terminal, unsigned long count)
	{
		std::vector<VolumeRate> rates = rates_between(last_, last_);
		char key = Terminal::resized;

		/* Nothing has been measured yet. */
		for (VolumeRate &rate : rates)
			rate.is_new = true;
		for (unsigned long drawn = 0; key != Terminal::ended;) {
			if (key == Terminal::timeout) {
				rates = next();
				drawn++;
			}
			if (key == Terminal::timeout || key == Terminal::resized)
				terminal.draw(page(rates, terminal.size()));
			if (count != 0 && drawn == count)
				return;
			key = terminal.wait(left());
		}
	}

	std::uint64_t interval() const { return interval_; }

private:
	Sample look(bool strict) const
	{
		return take_sample(session_.world.system, session_.options.objects, strict);
	}

	/* Until the next look. */
	std::uint64_t left() const
	{
		const std::uint64_t passed = session_.world.system.ticks() - last_.when;

		return passed < interval_ ? interval_ - passed : 0;
	}

	std::string table(const std::vector<VolumeRate> &rates) const
	{
		return rates.empty() ? "no volumes\n" : table_of(rate_columns(session_), rates);
	}

	std::string page(const std::vector<VolumeRate> &rates, Terminal::Size size) const
	{
		std::string text =
			fmt::format("{} volume{}, each second of the last {:g}; q quits\n\n",
				    rates.size(), rates.size() == 1 ? "" : "s",
				    static_cast<double>(interval_) / (10 * tenth)) +
			table(rates);
		std::istringstream lines(text);
		std::string line;
		std::string page;

		for (std::size_t i = 0; i < size.lines && std::getline(lines, line); i++) {
			line.resize(std::min(line.size(), size.columns - 1));
			line.resize(line.find_last_not_of(' ') + 1);
			page += (i ? "\n" : "") + line;
		}
		return page;
	}

	Session &session_;
	const std::uint64_t interval_; /* ns */
	Sample last_;
};

} // namespace

void verb_top(Session &session)
{
	const bool json = session.options.json;
	const unsigned long count =
		session.options.count.empty() ? json ? 1 : 0 : parse_count(session.options.count);

	if (json && count != 1)
		throw Failure(Exit::usage, {}, "JSON is told of one interval",
			      "leave --count out, and ask again for the next");
	if (!session.options.sort.empty())
		find_column(rate_columns(session), session.options.sort);
	Top top(session);

	if (json) {
		session.world.system.sleep(top.interval());
		session.report.rates = top.next();
	} else if (session.world.terminal) {
		Terminal &terminal = *session.world.terminal;
		const Stage stage(terminal);

		top.draw(terminal, count);
	} else {
		top.print(count);
	}
}

} // namespace thinback::tool
