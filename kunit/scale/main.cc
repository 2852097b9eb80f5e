// SPDX-License-Identifier: GPL-2.0
/*
 * Large pools, each case in a process of its own, one after the other:
 *
 *	scale [--list] [SUBSTRING...]
 */
#include <stdio.h>
#include <string.h>

#include "../../drivers/hosted/hosted.h"
#include "../harness/arguments.h"
#include "../harness/children.h"
#include "scale.h"

using namespace thinback;

namespace {

struct ScaleCase {
	const char *name;
	void (*run)();
};

constexpr ScaleCase cases[] = {
	{ "replay_of_a_million_records", replay_of_a_million_records },
	{ "opening_100_tib_with_10000_volumes", opening_100_tib_with_10000_volumes },
	{ "chain_of_1000_snapshots", chain_of_1000_snapshots },
	{ "clones_10000_removed_in_any_order", clones_10000_removed_in_any_order },
	{ "latency_beside_checkpoints", latency_beside_checkpoints },
	{ "fleet_of_100_volumes", fleet_of_100_volumes },
	{ "fleet_of_100_volumes_in_pieces_of_16_kib", fleet_of_100_volumes_in_pieces_of_16_kib },
};

constexpr unsigned int limit_seconds = 900;

bool run(const ScaleCase &one)
{
	hosted_log_to([](enum tbk_level level, const char *line) {
		if (level == TBK_LOG_ERROR)
			give_up("%s", line);
	});
	return hosted_run(one.run, { 0, true });
}

} // namespace

int main(int argc, char **argv)
{
	const auto none = [](const std::string &) {
		return false;
	};
	const auto nothing = [](const std::string &, const char *) {
		return false;
	};
	Arguments arguments;
	int counts[2] = {};

	if (!parse_arguments(argc, argv, arguments, none, nothing)) {
		fprintf(stderr, "usage: scale [--list] [SUBSTRING...]\n");
		return 2;
	}
	for (const ScaleCase &one : cases) {
		if (!arguments.wants(one.name))
			continue;
		printf("%s\n", one.name);
		fflush(stdout);
		if (!arguments.list)
			counts[run_in_child([&] { return run(one); }, limit_seconds)]++;
	}
	if (arguments.list)
		return 0;
	printf("%d passed, %d failed\n", counts[1], counts[0]);
	return counts[0] || !counts[1];
}
