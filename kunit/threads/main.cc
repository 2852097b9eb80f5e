// SPDX-License-Identifier: GPL-2.0
/*
 * The core on real threads, for ThreadSanitizer, each case in a child of its own:
 *
 *	threads [--seconds N] [--jobs N] [--list] [--stay] [--verbose] [SUBSTRING...]
 *
 * --seconds N has each case be busy for so long. --stay makes no children, for
 * debuggers. A race that the sanitizer reports fails the case.
 */
#include <atomic>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <vector>

#include "../../drivers/threads/threads.h"
#include "../harness/arguments.h"
#include "../harness/check.h"
#include "../harness/children.h"
#include "cases.h"

using namespace thinback;

struct kunit {
	std::atomic<bool> has_failed{ false };
};

void tbk_test_failed(struct kunit *test, const char *file, int line, const char *text)
{
	test->has_failed = true;
	printf("# %s:%d: %s\n", file, line, text);
}

namespace {

struct kunit *running;

} // namespace

/* The first few say enough. */
void thinback::complain(const char *format, ...)
{
	static std::atomic<unsigned int> complaints;
	char text[256];
	va_list args;

	if (complaints++ >= 20)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tbk_test_failed(running, __FILE__, __LINE__, text);
}

namespace {

unsigned int seconds = 4; /* that each case is busy for */

bool parse(int argc, char **argv, Arguments &to)
{
	return parse_arguments(
		argc, argv, to, [](const std::string &) { return false; },
		[](const std::string &word, const char *value) {
			seconds = static_cast<unsigned int>(number(value));
			return word == "--seconds";
		});
}

bool run_here(const ThreadsCase &one, const Arguments &arguments)
{
	struct kunit test;

	running = &test;
	threads_log_all(arguments.verbose);
	one.run(&test, seconds);
	if (threads_outstanding())
		printf("# %llu allocations were not given back\n", threads_outstanding());
	if (threads_races())
		printf("# %llu reports of ThreadSanitizer\n", threads_races());
	fflush(stdout);
	return !test.has_failed && !threads_outstanding() && !threads_races();
}

/* One that hangs is killed. */
std::vector<Errand> wanted_cases(const Arguments &arguments)
{
	const unsigned int limit = 120 + 10 * seconds;
	std::vector<Errand> errands;

	for (const ThreadsCase &one : threads_cases()) {
		const auto run = [=, &arguments] {
			return run_here(one, arguments);
		};

		if (!arguments.wants(one.name))
			continue;
		if (arguments.stay)
			errands.push_back({ one.name, run });
		else
			errands.push_back({ one.name, [=] {
						   return run_in_child(run, limit);
					   } });
	}
	return errands;
}

} // namespace

int main(int argc, char **argv)
{
	Arguments arguments;
	int passed = 0;
	int failed = 0;

	if (!parse(argc, argv, arguments)) {
		fprintf(stderr, "usage: threads [--seconds N] [--jobs N] [--list] [--stay]"
				" [--verbose] [SUBSTRING...]\n");
		return 2;
	}
	const auto note = [&](const Errand &errand, const Outcome &outcome) {
		(outcome.is_ok ? passed : failed)++;
		printf("%s%s %d %s # %.1f s\n", outcome.said.c_str(),
		       outcome.is_ok ? "ok" : "not ok", passed + failed, errand.name.c_str(),
		       outcome.seconds);
		fflush(stdout);
	};
	const auto errands = wanted_cases(arguments);

	for (const Errand &errand : errands) {
		if (arguments.list)
			printf("%s\n", errand.name.c_str());
		else if (arguments.stay)
			note(errand, { errand.run(), 0, "" });
	}
	if (arguments.list)
		return 0;
	if (!arguments.stay)
		run_in_children(errands, arguments.jobs, note);
	printf("%d passed, %d failed\n", passed, failed);
	return failed || !passed;
}
