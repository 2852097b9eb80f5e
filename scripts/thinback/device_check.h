/* SPDX-License-Identifier: GPL-2.0 */
/* A device of our own: opened so that nobody else has it, or a reason why not. */
#pragma once

#include <string>

#include "world.h"

namespace thinback::tool {

enum class Access { look, read, write };

class Device {
public:
	/*
	 * Open a block device, or a file that is to be one. Exclusively unless just
	 * looked at. Throws Failure that says who has it.
	 */
	Device(System &system, const std::string &path, Access access);
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;
	~Device();

	const OpenDevice &get() const { return open_; }

private:
	OpenDevice open_;
};

/* Its size. Throws Failure. */
std::uint64_t device_bytes(const OpenDevice &device);

/* "mounted on /home", "used by dm-3 (vg0-root)"; empty if it cannot be told. */
std::string why_in_use(const System &system, unsigned int major, unsigned int minor);

/* What is on it that a user may want to keep: "pool tank", signatures; empty if nothing. */
std::string content(Core &core, const OpenDevice &device);

} // namespace thinback::tool
