/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <memory>

#include "device_check.h"
#include "session.h"

namespace thinback::tool {

/* A device of our own. Throws Failure, with the pool that has it attached. */
std::unique_ptr<Device> open_device(Session &session, const std::string &path, Access access);

} // namespace thinback::tool
