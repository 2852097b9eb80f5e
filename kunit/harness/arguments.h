/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs that run tests understand alike. */
#pragma once

#include <functional>
#include <stdlib.h>
#include <string>
#include <vector>

#include <thinback/base/types.h>

namespace thinback {

struct Arguments {
	unsigned int jobs = 2;
	bool list = false;
	bool stay = false;
	bool verbose = false;
	std::vector<const char *> wanted;

	/* Every test when none is named. */
	bool wants(const std::string &name) const
	{
		for (const char *one : wanted)
			if (name.find(one) != std::string::npos)
				return true;
		return wanted.empty();
	}
};

inline u64 number(const char *text)
{
	return strtoull(text, nullptr, 0);
}

/*
 * False when something is not understood. @own_flag takes words, @own_option words
 * and their values, that one program alone knows; false: neither does it.
 */
inline bool
parse_arguments(int argc, char **argv, Arguments &to,
		const std::function<bool(const std::string &)> &own_flag,
		const std::function<bool(const std::string &, const char *)> &own_option)
{
	for (int i = 1; i < argc; i++) {
		const std::string word = argv[i];

		if (word == "--list")
			to.list = true;
		else if (word == "--stay")
			to.stay = true;
		else if (word == "--verbose")
			to.verbose = true;
		else if (word[0] != '-')
			to.wanted.push_back(argv[i]);
		else if (own_flag(word))
			continue;
		else if (++i == argc)
			return false;
		else if (word == "--jobs")
			to.jobs = static_cast<unsigned int>(number(argv[i]));
		else if (!own_option(word, argv[i]))
			return false;
	}
	return true;
}

} // namespace thinback
