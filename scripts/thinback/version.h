/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

namespace thinback::tool {

constexpr const char *tool_version = "0.1.0";

/* Of the JSON documents: keys are added within one number, never changed or taken away. */
constexpr int json_format = 1;

} // namespace thinback::tool
