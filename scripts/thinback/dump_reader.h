/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>

#include "dump_parts.h"

namespace thinback::tool {

/*
 * Reads a dump and tells @parts of it. Throws Failure, of object @name, that says
 * where in the dump something is wrong; so is what @parts throw. @progress: now
 * and then, with the bytes read so far.
 */
void read_dump(std::istream &in, const std::string &name, DumpParts &parts,
	       const std::function<void(std::uint64_t)> &progress);

} // namespace thinback::tool
