/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a word on the command line names, told by its form alone:
 * /dev/sdb3, tank, tank/web17, tank/web17@monday.
 */
#pragma once

#include <string>

namespace thinback::tool {

enum class Kind { device, pool, volume, snapshot };

struct Name {
	Kind kind;
	std::string pool;     /* or the device's path */
	std::string volume;   /* of a volume or a snapshot */
	std::string snapshot; /* of a snapshot */

	std::string text() const;
};

/* Throws Failure for what cannot be a name. */
Name parse_name(const std::string &text);

/* The same; throws if it is of another kind than those wanted, with an example of one that is. */
Name parse_device(const std::string &text);
Name parse_pool(const std::string &text);
Name parse_volume(const std::string &text);
Name parse_snapshot(const std::string &text);
Name parse_volume_or_snapshot(const std::string &text);

} // namespace thinback::tool
