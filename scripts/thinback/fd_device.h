/* SPDX-License-Identifier: GPL-2.0 */
/* An open file descriptor as a device of the core's. */
#pragma once

#include <thinback/platform.h>

#include "core.h"

namespace thinback::tool {

/*
 * The descriptor was opened, exclusively where that matters, before anything
 * was asked of the device, and stays open until all has been done to it. What
 * opens a path by itself would leave a gap there.
 */
class FdDevice : public tbk_device {
public:
	/* Throws Failure. */
	FdDevice(const OpenDevice &device, std::uint64_t bytes);

private:
	static void submit(tbk_device *device, tbk_io *io);
	static void tell(tbk_device *device, tbk_device_info *info);
	int run(const tbk_io &io) const;
	int transfer(const tbk_io &io) const;

	static const tbk_device_ops fd_ops;
	const int fd_;
	tbk_device_info info_{};
};

} // namespace thinback::tool
