// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the test bodies in a process, each in a child of its own:
 *
 *	hosted [--seed N] [--seeds N] [--list] [--stay] [--verbose] [SUBSTRING...]
 *
 * --seeds N runs each case N times, with the seeds 0 to N - 1. --stay makes no
 * children, for debuggers.
 */
#include <deque>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "../../drivers/hosted/hosted.h"
#include "check.h"
#include "hosted_suites.h"
#include "suites.h"

using namespace thinback;

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
	const char *suite;
	const char *name;
	void (*run)(struct kunit *test);
};

struct Arguments {
	u64 seed = 0;
	u64 seeds = 1;
	bool list = false;
	bool stay = false;
	bool verbose = false;
	std::vector<const char *> wanted;
};

constexpr unsigned int time_limit_seconds = 300;

std::vector<Case> all_cases()
{
	std::vector<Case> cases;
	const char *in = nullptr;

#define ADD_CASE(case_name)       \
	if (tbk_test_##case_name) \
		cases.push_back({ in, #case_name, tbk_test_##case_name });
#define ADD_SUITE(suite, list) \
	in = #suite;           \
	list(ADD_CASE)
	TBK_SUITES(ADD_SUITE)
	TBK_HOSTED_SUITES(ADD_SUITE)
	return cases;
}

bool is_wanted(const Case &one, const Arguments &arguments)
{
	const std::string name = std::string(one.suite) + "." + one.name;

	for (const char *wanted : arguments.wanted)
		if (name.find(wanted) != std::string::npos)
			return true;
	return arguments.wanted.empty();
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

bool run_here(const Case &one, u64 seed, bool is_verbose)
{
	struct kunit test = { one.name, false };
	QuietLog log(is_verbose);

	const bool is_clean = hosted_run([&] { one.run(&test); }, { seed, false });
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

/* A case that crashes, or hangs, is one failure and not the end. */
bool run_in_child(const Case &one, u64 seed, bool is_verbose)
{
	int status = 0;

	fflush(stdout);
	const pid_t child = fork();
	if (!child) {
		alarm(time_limit_seconds);
		const bool is_ok = run_here(one, seed, is_verbose);
		fflush(stdout);
		_exit(is_ok ? 0 : 1);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		printf("# cannot run a child\n");
		return false;
	}
	if (WIFSIGNALED(status))
		printf("# %s\n",
		       WTERMSIG(status) == SIGALRM ? "took too long" : strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

bool run_seeds(const Case &one, const Arguments &arguments)
{
	for (u64 i = 0; i < arguments.seeds; i++) {
		const u64 seed = arguments.seed + i;
		const bool is_ok = arguments.stay ? run_here(one, seed, arguments.verbose)
						  : run_in_child(one, seed, arguments.verbose);

		if (is_ok)
			continue;
		printf("# again with: --stay --seed %llu %s.%s\n", seed, one.suite, one.name);
		return false;
	}
	return true;
}

bool parse(int argc, char **argv, Arguments &to)
{
	for (int i = 1; i < argc; i++) {
		const std::string word = argv[i];
		const bool has_value = i + 1 < argc;

		if (word == "--list")
			to.list = true;
		else if (word == "--stay")
			to.stay = true;
		else if (word == "--verbose")
			to.verbose = true;
		else if (word == "--seed" && has_value)
			to.seed = strtoull(argv[++i], nullptr, 0);
		else if (word == "--seeds" && has_value)
			to.seeds = strtoull(argv[++i], nullptr, 0);
		else if (word[0] == '-')
			return false;
		else
			to.wanted.push_back(argv[i]);
	}
	return true;
}

} // namespace

int main(int argc, char **argv)
{
	Arguments arguments;
	int passed = 0;
	int failed = 0;

	if (!parse(argc, argv, arguments)) {
		fprintf(stderr, "usage: hosted [--seed N] [--seeds N] [--list] [--stay]"
				" [--verbose] [SUBSTRING...]\n");
		return 2;
	}
	for (const Case &one : all_cases()) {
		if (!is_wanted(one, arguments))
			continue;
		if (arguments.list) {
			printf("%s.%s\n", one.suite, one.name);
			continue;
		}
		const bool is_ok = run_seeds(one, arguments);
		(is_ok ? passed : failed)++;
		printf("%s %d %s.%s\n", is_ok ? "ok" : "not ok", passed + failed, one.suite,
		       one.name);
	}
	if (!arguments.list)
		printf("%d passed, %d failed\n", passed, failed);
	return failed || !(passed || arguments.list);
}
