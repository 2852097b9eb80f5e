// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that means harm. In dom0, to know what there is:
 *
 *	hostile list
 *
 * prints a line for each attack: its name, what it leaves, what it is. In a
 * guest whose kernel has no driver for its disk of that number:
 *
 *	hostile serve DISK
 *
 * waits until the key data/attack names one, runs it, looks that the disk then
 * serves again, and prints "NAME: well", or what was wrong. Ends after "end".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"

using namespace hostile;

namespace {

constexpr const std::span<const Attack> *tables[] = { &ring_attacks, &race_attacks,
						      &xenstore_attacks, &state_attacks };
constexpr const char *order_key = "data/attack";

int list()
{
	constexpr const char *leaves[] = { "nothing", "error", "no_disk" };

	for (const auto *table : tables) {
		for (const Attack &attack : *table)
			printf("%s %s %s\n", attack.name, leaves[static_cast<int>(attack.leaves)],
			       attack.sentence);
	}
	return 0;
}

const Attack *find(const std::string &name)
{
	for (const auto *table : tables) {
		for (const Attack &attack : *table) {
			if (attack.name == name)
				return &attack;
		}
	}
	return nullptr;
}

std::string run(Frontend &frontend, const std::string &name)
{
	const Attack *attack = find(name);

	if (!attack)
		return "there is no such attack";

	const std::string wrong = attack->run(frontend);

	if (!wrong.empty() || attack->leaves == Leaves::no_disk)
		return wrong;
	return frontend.serves();
}

int serve(unsigned disk)
{
	Frontend frontend(disk);
	Xenstore &store = frontend.store();

	printf("ready\n");
	for (;;) {
		const std::string name = store.read(order_key);

		if (name.empty()) {
			sleep_ms(100);
			continue;
		}
		if (name == "end")
			return 0;
		const std::string wrong = run(frontend, name);

		store.remove(order_key);
		printf("%s: %s\n", name.c_str(), wrong.empty() ? "well" : wrong.c_str());
	}
}

} // namespace

int main(int argc, char **argv)
{
	setvbuf(stdout, nullptr, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(static_cast<unsigned>(atoi(argv[2])));
	fprintf(stderr, "usage: hostile list | hostile serve DISK (see the head of main.cc)\n");
	return 2;
}
