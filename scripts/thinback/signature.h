/* SPDX-License-Identifier: GPL-2.0 */
/* What libblkid knows about the content of a device. */
#pragma once

#include <string>

#include "core.h"

namespace thinback::tool {

/* "an ext4 filesystem (root), a gpt partition table"; empty if nothing is there. Throws Failure. */
std::string signatures(const OpenDevice &device);

/* Take away what signatures() sees, so that nobody takes the device for what it was. */
void wipe_signatures(const OpenDevice &device);

} // namespace thinback::tool
