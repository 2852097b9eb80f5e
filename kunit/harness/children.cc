// SPDX-License-Identifier: GPL-2.0
#include "children.h"

#include <algorithm>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef TBK_COVERAGE
extern "C" void __gcov_dump(void); // NOLINT(bugprone-reserved-identifier): gcc's name for it
#endif

namespace thinback {

namespace {

/* A child that leaves without exit() says what it ran itself. */
void write_coverage()
{
#ifdef TBK_COVERAGE
	__gcov_dump();
#endif
}

struct Child {
	const Errand *errand;
	pid_t pid;
	FILE *output;
	double start;
};

double now()
{
	struct timespec time = {};

	clock_gettime(CLOCK_MONOTONIC, &time);
	return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

[[noreturn]] void finish(bool is_ok)
{
	/* Nothing runs at _exit(), the coverage of gcc neither. */
	write_coverage();
	fflush(stdout);
	_exit(is_ok ? 0 : 1);
}

[[noreturn]] void give_up(const char *why)
{
	perror(why);
	exit(3);
}

Child start(const Errand &errand)
{
	FILE *output = tmpfile();

	if (!output)
		give_up("tmpfile");
	fflush(stdout);
	const pid_t pid = fork();
	if (pid < 0)
		give_up("fork");
	if (!pid) {
		dup2(fileno(output), 1);
		dup2(fileno(output), 2);
		finish(errand.run());
	}
	return { &errand, pid, output, now() };
}

std::string read_all(FILE *output)
{
	std::string text;
	char part[4096];

	rewind(output);
	while (const size_t got = fread(part, 1, sizeof(part), output))
		text.append(part, got);
	return text;
}

/* Waits for any of them, and takes it out. */
Child wait_for_one(std::vector<Child> &running, int &status)
{
	const pid_t pid = waitpid(-1, &status, 0);
	const auto found = std::find_if(running.begin(), running.end(),
					[&](const Child &one) { return one.pid == pid; });

	if (found == running.end())
		give_up("waitpid");
	const Child ended = *found;
	running.erase(found);
	return ended;
}

} // namespace

void run_in_children(const std::vector<Errand> &errands, unsigned int jobs,
		     const std::function<void(const Errand &, const Outcome &)> &done)
{
	std::vector<Child> running;
	auto next = errands.begin();

	while (next != errands.end() || !running.empty()) {
		if (next != errands.end() && running.size() < jobs) {
			running.push_back(start(*next++));
			continue;
		}
		int status = 0;
		const Child ended = wait_for_one(running, status);
		done(*ended.errand, { status == 0, now() - ended.start, read_all(ended.output) });
		fclose(ended.output);
	}
}

bool run_in_child(const std::function<bool()> &run, unsigned int limit)
{
	int status = 0;

	fflush(stdout);
	const pid_t child = fork();
	if (!child) {
		alarm(limit);
		finish(run());
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		give_up("fork");
	if (WIFSIGNALED(status))
		printf("# %s\n",
		       WTERMSIG(status) == SIGALRM ? "took too long" : strsignal(WTERMSIG(status)));
	return status == 0;
}

} // namespace thinback
