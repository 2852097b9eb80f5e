/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <string>

#include "device.h"

namespace hostile {

/* Xenstore, as the guest reaches it: paths are below its own home unless they begin with a slash. */
class Xenstore {
public:
	/* Empty also if there is no such key. */
	std::string read(const std::string &path);
	/* False if it was refused: for its size, for how many there are, or whose it is. */
	bool write(const std::string &path, const std::string &value);
	bool write(const std::string &path, unsigned value);
	bool remove(const std::string &path);

private:
	/* True with the answer in @payload. */
	bool ask(unsigned type, std::string &payload);

	Device device_{ "/dev/xen/xenbus" };
};

} // namespace hostile
