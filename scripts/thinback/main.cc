// SPDX-License-Identifier: GPL-2.0
#include <iostream>

#include <unistd.h>

#include "hosted_core.h"
#include "world.h"

int main(int argc, char **argv)
{
	using namespace thinback::tool;

	ControlDevice control;
	HostedCore core;
	System system;
	World world{ control, core, system, std::cin, std::cout, std::cerr };

	RealTerminal terminal;

	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		world.terminal = &terminal;
	world.can_draw = isatty(STDERR_FILENO);
	world.can_ask = world.can_draw && isatty(STDIN_FILENO);
	return run(argc, argv, world);
}
