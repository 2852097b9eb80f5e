/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace thinback {

/* Something to be done in a child of this process. */
struct Errand {
	std::string name;
	std::function<bool()> run; /* in the child; false when it went wrong */
};

struct Outcome {
	bool is_ok;
	double seconds;
	std::string said; /* on stdout and stderr */
};

/* Does them all, up to @jobs at once, and calls @done for each, as they end. */
void run_in_children(const std::vector<Errand> &errands, unsigned int jobs,
		     const std::function<void(const Errand &, const Outcome &)> &done);

/* Does one, and waits. It is killed after @limit seconds. What it says goes where ours does. */
bool run_in_child(const std::function<bool()> &run, unsigned int limit);

} // namespace thinback
