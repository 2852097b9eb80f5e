// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the test bodies in a process, each in a child of its own:
 *
 *	hosted [--seed N] [--seeds N] [--jobs N] [--list] [--stay] [--stacks] [--verbose]
 *	       [--cuts N] [--cut PLACE] [SUBSTRING...]
 *
 * --seeds N runs each case with N seeds, from --seed on. --stay makes no
 * children, for debuggers. --stacks tells how much of its stack each used: only
 * without sanitizers is that the truth (make test SANITIZE=). Results come as they do, not in the order of --list.
 * --cuts N has each case of the crash explorer try N power cuts, --cut PLACE only the one it named.
 */
#include <deque>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <vector>

#include <thinback/base/span.h>

#include "../../drivers/hosted/hosted.h"
#include "arguments.h"
#include "check.h"
#include "children.h"
#include "hosted_suites.h"
#include "options.h"
#include "suites.h"

using namespace thinback;

TestOptions thinback::test_options;

struct kunit {
	const char *name;
	bool has_failed;
};

void tbk_test_failed(struct kunit *test, const char *file, int line, const char *text)
{
	test->has_failed = true;
	printf("# %s:%d: %s\n", file, line, text);
}

/* Weak, as a build of some layers only has some of them. */
#define DECLARE_CASE(name) extern "C" [[gnu::weak]] void tbk_test_##name(struct kunit *test);
#define DECLARE_SUITE(suite, cases) cases(DECLARE_CASE)
TBK_SUITES(DECLARE_SUITE)
TBK_HOSTED_SUITES(DECLARE_SUITE)

namespace {

struct Case {
	const char *name;
	void (*run)(struct kunit *test); /* NULL when it was not built */
};

#define LIST_CASE(name) { #name, tbk_test_##name },
#define DEFINE_SUITE(suite, cases) const Case suite##_suite[] = { cases(LIST_CASE) };
TBK_SUITES(DEFINE_SUITE)
TBK_HOSTED_SUITES(DEFINE_SUITE)

struct Suite {
	const char *name;
	Span<const Case> cases;
};

#define LIST_SUITE(suite, cases) \
	{ #suite, { suite##_suite, sizeof(suite##_suite) / sizeof(Case) } },
const Suite suites[] = { TBK_SUITES(LIST_SUITE) TBK_HOSTED_SUITES(LIST_SUITE) };

struct HostedArguments : Arguments {
	u64 seed = 0;
	u64 seeds = 1;
	bool stacks = false;
};

/* More power cuts take more time. */
unsigned int time_limit_seconds()
{
	return static_cast<unsigned int>(600 + test_options.cuts / 10);
}

std::string full_name(const Suite &suite, const Case &one)
{
	return std::string(suite.name) + "." + one.name;
}

/* The core's messages are told only of tests that fail. */
class QuietLog {
public:
	explicit QuietLog(bool is_verbose)
	{
		if (!is_verbose)
			hosted_log_to([this](enum tbk_level, const char *line) { keep(line); });
	}

	~QuietLog() { hosted_log_to({}); }
	QuietLog(const QuietLog &) = delete;
	QuietLog &operator=(const QuietLog &) = delete;

	void print() const
	{
		for (const std::string &line : lines_)
			printf("# log: %s\n", line.c_str());
	}

private:
	void keep(const char *line)
	{
		lines_.emplace_back(line);
		if (lines_.size() > 100)
			lines_.pop_front();
	}

	std::deque<std::string> lines_;
};

/* What the deepest fiber used; a kernel's whole stack has 16 KiB. */
void print_deepest_stack()
{
	const char *name = nullptr;
	const size_t bytes = hosted_deepest_stack(&name);

	printf("# stack: %zu bytes, by %s\n", bytes, name);
}

bool run_here(const Case &one, u64 seed, const HostedArguments &arguments)
{
	struct kunit test = { one.name, false };

	test_options.seed = seed;
	QuietLog log(arguments.verbose);

	if (arguments.stacks)
		hosted_measure_stacks();
	const bool is_clean = hosted_run([&] { one.run(&test); }, { seed, false });
	if (arguments.stacks)
		print_deepest_stack();
	hosted_fail_alloc_after(0);
	hosted_limit_reserves(false);
	if (hosted_outstanding())
		printf("# %zu allocations were not given back\n", hosted_outstanding());
	fflush(stdout);
	if (hosted_outstanding() && !test.has_failed)
		hosted_print_outstanding();

	const bool is_ok = is_clean && !test.has_failed && !hosted_outstanding();
	if (!is_ok)
		log.print();
	return is_ok;
}

/* With each seed in a child: one that crashes, or hangs, is one failure and not the end. */
bool run_seeds(const Case &one, const std::string &name, const HostedArguments &arguments)
{
	for (u64 i = 0; i < arguments.seeds; i++) {
		const u64 seed = arguments.seed + i;
		const auto run = [&] {
			return run_here(one, seed, arguments);
		};

		if (arguments.stay ? run() : run_in_child(run, time_limit_seconds()))
			continue;
		printf("# again with: --stay --seed %llu %s\n", seed, name.c_str());
		return false;
	}
	return true;
}

std::vector<Errand> wanted_cases(const HostedArguments &arguments)
{
	std::vector<Errand> errands;

	for (const Suite &suite : suites)
		for (const Case &one : suite.cases) {
			const std::string name = full_name(suite, one);

			if (one.run && arguments.wants(name))
				errands.push_back({ name, [=, &one] {
							   return run_seeds(one, name, arguments);
						   } });
		}
	return errands;
}

/* Counts, and says how it went. */
class Score {
public:
	void add(const Errand &errand, const Outcome &outcome)
	{
		(outcome.is_ok ? passed_ : failed_)++;
		printf("%s%s %d %s", outcome.said.c_str(), outcome.is_ok ? "ok" : "not ok",
		       passed_ + failed_, errand.name.c_str());
		if (outcome.seconds >= 1)
			printf(" # %.1f s", outcome.seconds);
		printf("\n");
		fflush(stdout);
	}

	int finish() const
	{
		printf("%d passed, %d failed\n", passed_, failed_);
		return failed_ || !passed_;
	}

private:
	int passed_ = 0;
	int failed_ = 0;
};

bool parse_cut(const char *text)
{
	CutPlace &cut = test_options.cut;

	test_options.has_cut = true;
	return sscanf(text, "%llu:%u:%llu:%u", &cut.chain, &cut.round, &cut.event, &cut.choice) ==
	       4;
}

bool parse_option(const std::string &word, const char *value, HostedArguments &to)
{
	if (word == "--seed")
		to.seed = number(value);
	else if (word == "--seeds")
		to.seeds = number(value);
	else if (word == "--cuts")
		test_options.cuts = number(value);
	else
		return word == "--cut" && parse_cut(value);
	return true;
}

bool parse(int argc, char **argv, HostedArguments &to)
{
	return parse_arguments(
		argc, argv, to,
		[&](const std::string &word) {
			to.stacks |= word == "--stacks";
			return word == "--stacks";
		},
		[&](const std::string &word, const char *value) {
			return parse_option(word, value, to);
		});
}

} // namespace

int main(int argc, char **argv)
{
	HostedArguments arguments;
	Score score;

	if (!parse(argc, argv, arguments)) {
		fprintf(stderr, "usage: hosted [--seed N] [--seeds N] [--jobs N] [--list]"
				" [--stay] [--stacks] [--verbose] [--cuts N] [--cut PLACE]"
				" [SUBSTRING...]\n");
		return 2;
	}

	const auto errands = wanted_cases(arguments);
	if (arguments.list) {
		for (const Errand &errand : errands)
			printf("%s\n", errand.name.c_str());
		return 0;
	}
	if (arguments.stay)
		for (const Errand &errand : errands)
			score.add(errand, { errand.run(), 0, "" });
	else
		run_in_children(errands, arguments.jobs,
				[&](const Errand &errand, const Outcome &outcome) {
					score.add(errand, outcome);
				});
	return score.finish();
}
