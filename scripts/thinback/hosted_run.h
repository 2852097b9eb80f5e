/* SPDX-License-Identifier: GPL-2.0 */
/* How this program calls the core that it is linked with. */
#pragma once

#include <functional>

#include <thinback/entry.h>

#include "fd_device.h"

namespace thinback::tool {

/*
 * The core waits only inside hosted_run(), whose fibers no exception leaves:
 * one thrown by @body is thrown again from here.
 */
void run_core(const std::function<void()> &body);

/* Throws Failure unless @error is 0. */
void require(int error, const OpenDevice &device, const tbk_why &why);

} // namespace thinback::tool
