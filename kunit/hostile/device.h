/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace hostile {

using namespace thinback;

/* A device of the guest's kernel, open as long as this lives. Ends the program if it cannot be. */
class Device {
public:
	explicit Device(const char *path);
	~Device();
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;

	int fd() const { return fd_; }

private:
	int fd_;
};

/* Says what went wrong with our own side, and ends the program with status 2. */
[[noreturn]] void die(const char *what);

void sleep_ms(unsigned ms);

} // namespace hostile
